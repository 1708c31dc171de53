package secret_test

import (
	"encoding/json"
	"strings"
	"testing"

	"bkt/internal/secret"
)

// fake puts a token together, so that no scanner takes this file for a leak.
func fake(parts ...string) string { return strings.Join(parts, "") }

func TestFound(t *testing.T) {
	const letters = "q8ZrT2mKx7WvB4nLp9JdHs3GfYc6AeUiQo5R"
	tests := []struct{ what, text string }{
		{"a token of GitHub", fake("gh", "p_", letters)},
		{"a token of GitHub", fake("github", "_pat_", letters, letters)},
		{"a token of GitLab", fake("gl", "pat-", letters)},
		{"an access key of AWS", fake("AK", "IAIOSFODNN7EXAMPLE")},
		{"a key of Google", fake("AI", "za", letters[:35])},
		{"a token of Slack", fake("xo", "xb-123456789012-", letters)},
		{"a key of Stripe", fake("sk_", "live_", letters)},
		{"a key of OpenAI or Anthropic", fake("sk-", "ant-", letters)},
		{"a token of npm", fake("np", "m_", letters)},
		{"a private key", fake("-----BEGIN OPENSSH ", "PRIVATE KEY-----\nAAAA")},
		{"a JSON web token", fake("ey", "JhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0In0.", "abc_def")},
		{"a password in a URL", fake("https://me:", "hunter2@example.org/repo")},
		{"a password of HTTP", "Authorization: Bearer abcdefghijklmnop"},
		{"a value that is named like a secret", "--env=DB_PASSWORD=correct7horse"},
		{"a value that is named like a secret", "--env=my_api_key=0123456789"},
		{"a value that is named like a secret", "--env=DB_PASSWORD=correcthorse"},
		{"a random word", letters},
		{"a random word", "x=" + letters[:24] + ";"},
	}
	for _, tt := range tests {
		item, err := json.Marshal(map[string]any{"id": "x", "flags": []string{"a", tt.text}})
		if err != nil {
			t.Fatal(err)
		}
		if got := secret.In(item, nil); got != tt.what {
			t.Errorf("%s: %q", tt.what, got)
		}
	}
}

func TestNamedBySetting(t *testing.T) {
	if got := secret.In([]byte(`{"key": "auth-token", "value": "'0f9e8d7c6b'"}`), nil, "auth-token"); got != "a value that is named like a secret" {
		t.Errorf("found %q", got)
	}
	if got := secret.In([]byte(`{"key": "lock-token", "value": "true"}`), nil, "lock-token"); got != "" {
		t.Errorf("found %q", got)
	}
}

// TestNamedByField has the names where they stand: in the fields of an item, and
// in those of a value.
func TestNamedByField(t *testing.T) {
	for _, item := range []string{
		`{"image": "x", "env": {"DB_PASSWORD": "correct7horse"}}`,
		`{"key": "accounts", "value": "{'user': <'me'>, 'password': <'correct7horse'>}"}`,
		`{"key": "auth-tokens", "value": "['correct7horse']"}`,
	} {
		if got := secret.In([]byte(item), nil, "auth-tokens"); got != "a value that is named like a secret" {
			t.Errorf("%s: %q", item, got)
		}
	}
}

// TestKnownBefore checks that what someone has captured before keeps nothing else
// from being captured.
func TestKnownBefore(t *testing.T) {
	before := []byte(`{"flags": ["--env=DB_PASSWORD=correct7horse"]}`)
	if got := secret.In([]byte(`{"flags": ["--env=A=B", "--env=DB_PASSWORD=correct7horse"]}`), before); got != "" {
		t.Errorf("found %q", got)
	}
	if got := secret.In([]byte(`{"flags": ["--env=DB_PASSWORD=battery8staple"]}`), before); got == "" {
		t.Error("found nothing")
	}
}

// TestNotFound has what manifests are full of.
func TestNotFound(t *testing.T) {
	for _, item := range []string{
		`"dash-to-dock@micxgx.gmail.com"`,
		`{"id": "com.github.tchx84.Flatseal", "remote": "flathub", "scope": "user"}`,
		`{"id": "io.github.VirtualBox7Guest9Additions", "remote": "flathub"}`,
		`{"id": "x", "commit": "9c0d1f0d4a3c2b1e9c0d1f0d4a3c2b1e9c0d1f0d4a3c2b1e9c0d1f0d4a3c2b1e"}`,
		`{"name": "x", "url": "https://dl.flathub.org/repo/", "gpg_key": "mQINBFlD2sABEADsiUZUOYBg1UdDaWkEdJYkTSZD68214m8Q1fbrP5AptaUfCl8KYKFMNoAJRBXn9FbE6q6VBzghHXj"}`,
		`{"key": "picture-uri", "value": "'file:///usr/share/backgrounds/gnome/adwaita-l.jxl'"}`,
		`{"key": "font-name", "value": "'JetBrainsMono Nerd Font 11'"}`,
		`{"key": "binding", "value": "'<Primary><Shift><Super>F12'"}`,
		`{"key": "profile", "value": "'b1dcc9dd-5262-4d8d-a863-c897e6d979b9'"}`,
		`{"key": "credential-helper", "value": "'/usr/libexec/git-core/git-credential-libsecret'"}`,
		`{"key": "password-store", "value": "'gnome-libsecret'"}`,
		`{"key": "sources", "value": "[('xkb', 'us+altgr-intl'), ('xkb', 'de')]"}`,
		`{"key": "favorite-apps", "value": "['org.mozilla.firefox.desktop', 'org.gnome.Nautilus.desktop', 'com.visualstudio.code.desktop']"}`,
		`{"flags": ["--filesystem=xdg-config/gtk-4.0:ro", "--talk-name=org.freedesktop.secrets", "--env=GTK_THEME=Adwaita-dark", "--env=QT_QPA_PLATFORMTHEME=gtk3", "--env=PGPASSWORD=$PASSWORD", "--env=PASSWORD=/run/secrets/pg"]}`,
		`{"image": "quay.io/toolbx/fedora@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}`,
		`{"url": "https://github.com/obsidianmd/obsidian-releases/releases/download/v1.8.10/Obsidian-1.8.10.AppImage"}`,
		`{"image": "x", "env": {"SSH_ASKPASS": "/usr/bin/ksshaskpass", "API_KEY": "$KEY", "GITHUB_TOKEN": ""}}`,
		`{"key": "accounts", "value": "{'user': <'me'>, 'password-store': <'gnome-libsecret'>, 'token': <uint32 5>}"}`,
		`{"comment": "Q8ZrT2mKx7WvB4nLp9JdHs3GfYc6"}`,
	} {
		if got := secret.In([]byte(item), nil); got != "" {
			t.Errorf("%s: %s", item, got)
		}
	}
}

// FuzzIn checks that nothing that an item holds is repeated.
func FuzzIn(f *testing.F) {
	f.Add("ghp_q8ZrT2mKx7WvB4nLp9JdHs3GfYc6AeUiQo5R", "auth-token")
	f.Fuzz(func(t *testing.T, value, name string) {
		item, err := json.Marshal(map[string]string{"value": value})
		if err != nil {
			return
		}
		if got := secret.In(item, nil, name); len(value) > 19 && strings.Contains(got, value) {
			t.Errorf("%q: %s", value, got)
		}
	})
}

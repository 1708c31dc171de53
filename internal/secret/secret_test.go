package secret_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"bkt/internal/secret"
)

// fake joins the parts of a token, so that scanners find no token in this file.
func fake(parts ...string) string { return strings.Join(parts, "") }

func TestFound(t *testing.T) {
	const letters = "q8ZrT2mKx7WvB4nLp9JdHs3GfYc6AeUiQo5R"
	const named = "a value that is named like a secret in "
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
		{named + "env DB_PASSWORD", "--env=DB_PASSWORD=correct7horse"},
		{named + "env my_api_key", "--env=my_api_key=0123456789"},
		{named + "env DB_PASSWORD", "--env=DB_PASSWORD=correcthorse"},
		{"a random word", letters},
		{"a random word", "x=" + letters[:24] + ";"},
	}
	for _, tt := range tests {
		item, err := json.Marshal(map[string]any{"id": "x", "flags": []string{"a", tt.text}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(tt.what, " in env ") {
			tt.what += " in flags"
		}
		if got := secret.Find(item, nil); got != tt.what {
			t.Errorf("%s: %q", tt.what, got)
		}
	}
}

func TestNamedBySetting(t *testing.T) {
	if got := secret.Find([]byte(`{"key": "auth-token", "value": "'0f9e8d7c6b'"}`), nil, "auth-token"); got != "a value that is named like a secret" {
		t.Errorf("found %q", got)
	}
	if got := secret.Find([]byte(`{"key": "lock-token", "value": "true"}`), nil, "lock-token"); got != "" {
		t.Errorf("found %q", got)
	}
}

// TestNamedByField checks names in the fields of an item, and in those of a value.
func TestNamedByField(t *testing.T) {
	for item, where := range map[string]string{
		`{"image": "x", "env": {"DB_PASSWORD": "correct7horse"}}`:                                                  " in env DB_PASSWORD",
		`{"key": "accounts", "value": "{'user': <'me'>, 'password': <'correct7horse'>}"}`:                          " in password",
		`{"key": "accounts", "value": "{'token-type': <'bearer'>, 'token': <'keyring'>, 'secret': <'correct7'>}"}`: " in secret",
		`{"key": "auth-tokens", "value": "['correct7horse']"}`:                                                     "",
	} {
		if got := secret.Find([]byte(item), nil, "auth-tokens"); got != "a value that is named like a secret"+where {
			t.Errorf("%s: %q", item, got)
		}
	}
}

// TestKnownBefore checks that a value that was captured before does not prevent captures.
func TestKnownBefore(t *testing.T) {
	before := []byte(`{"flags": ["--env=DB_PASSWORD=correct7horse"]}`)
	if got := secret.Find([]byte(`{"flags": ["--env=A=B", "--env=DB_PASSWORD=correct7horse"]}`), before); got != "" {
		t.Errorf("found %q", got)
	}
	if got := secret.Find([]byte(`{"flags": ["--env=DB_PASSWORD=battery8staple"]}`), before); got == "" {
		t.Error("found nothing")
	}
}

// TestNotFound checks common values of manifests.
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
		`{"comment": "as Q8ZrT2 said, the token is in the keyring"}`,
	} {
		if got := secret.Find([]byte(item), nil); got != "" {
			t.Errorf("%s: %s", item, got)
		}
	}
}

// TestPublicKeys checks public keys, which look random.
func TestPublicKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		item, err := json.Marshal(map[string]any{"name": "x", "url": "https://example.org/repo/", "gpg_key": "mQINB" + word(r, "b64", 3000)})
		if err != nil {
			t.Fatal(err)
		}
		if got := secret.Find(item, nil); got != "" {
			t.Errorf("%s: %s", item, got)
		}
	}
}

// FuzzIn checks that no result contains a value of the item.
func FuzzIn(f *testing.F) {
	f.Add("ghp_q8ZrT2mKx7WvB4nLp9JdHs3GfYc6AeUiQo5R", "auth-token")
	f.Fuzz(func(t *testing.T, value, name string) {
		item, err := json.Marshal(map[string]string{"value": value})
		if err != nil {
			return
		}
		if got := secret.Find(item, nil, name); len(value) > 19 && strings.Contains(got, value) {
			t.Errorf("%q: %s", value, got)
		}
	})
}

// TestMask checks that a masked item has no secret, and everything else.
func TestMask(t *testing.T) {
	for _, tt := range []struct{ field, name, text, want string }{
		{"flags", "", "--env=API_TOKEN=apple", "--env=API_TOKEN=***"},
		{"flags", "", "--env=GTK_THEME=Adwaita", "--env=GTK_THEME=Adwaita"},
		{"env.PASS", "", "apple", "***"},
		{"url", "", "https://eve:apple@example.org/a", "https://eve:***@example.org/a"},
		{"value", "password", "'apple'", "'***'"},
		{"value", "password", `'app\'le'`, `'***'`},
		{"init_hooks", "", "mysql -papple -e 'select 1'", "mysql -p*** -e 'select 1'"},
	} {
		if got := secret.Mask(tt.field, tt.name, tt.text); got != tt.want {
			t.Errorf("%s %s: %s", tt.field, tt.text, got)
		}
	}
	item := []byte(`{"key":"password","schema":"org.example","value":"'apple'"}`)
	if got := string(secret.MaskItem(item)); got != `{"key":"password","schema":"org.example","value":"'***'"}` {
		t.Error(got)
	}
	if item := []byte(`{"b":1,"a":"x"}`); string(secret.MaskItem(item)) != string(item) {
		t.Error("an item without a secret is another one")
	}
}

// TestKnownValue checks that a secret that was captured before does not prevent captures of
// the rest of its text.
func TestKnownValue(t *testing.T) {
	before := []byte(`{"key": "accounts", "value": "[{'user': <'eve'>, 'password': <'apple'>}]"}`)
	if got := secret.Find([]byte(`{"key": "accounts", "value": "[{'user': <'bob'>, 'password': <'apple'>}]"}`), before); got != "" {
		t.Errorf("found %q", got)
	}
	if got := secret.Find([]byte(`{"key": "accounts", "value": "[{'user': <'eve'>, 'password': <'apple'>}, {'password': <'pear'>}]"}`), before); got == "" {
		t.Error("found nothing")
	}
}

// TestPartOfAnother checks that a known secret within a longer one does not make the longer
// one known or visible.
func TestPartOfAnother(t *testing.T) {
	item := []byte(`{"init_hooks":["mysql -papple a; mysql -papple2 b"]}`)
	if got := string(secret.MaskItem(item)); strings.Contains(got, "apple") || strings.Contains(got, "2") {
		t.Error(got)
	}
	for _, other := range []string{
		"mysql -papple2", "PGPASSWORD=apple2 psql", "curl -u eve:apple2 x", "echo '<password>apple2</password>'", "echo apple2 | passwd --stdin",
		"git clone https://eve:apple2@example.org/x", "echo " + fake("gh", "p_apple8ZrT2mKx7WvB4nLp9JdHs3GfYc6AeUi"),
		"echo apple8ZrT2mKx7WvB4nLp9JdHs3GfYc6AeUi", "curl -H 'Cookie: sid=apple2apple2'", "curl -H 'Authorization: Bearer apple2apple2'",
	} {
		before := hooks(t, "mysql -papple a")
		after := hooks(t, "mysql -papple a", other)
		if got := secret.Find(after, before); got == "" {
			t.Errorf("%s: found nothing", other)
		}
		if got := secret.Find(after, after); got != "" {
			t.Errorf("%s: %s", other, got)
		}
	}
}

func hooks(t *testing.T, texts ...string) []byte {
	item, err := json.Marshal(map[string]any{"init_hooks": texts})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// TestLinear scans long texts of separators: it would take hours if the scanner started
// again at each of them.
func TestLinear(t *testing.T) {
	for _, unit := range []string{"=", ":", "a=", "password=", "'", `\"`, "https://", "@", "://@", "a b ", "-u a:b ", "(", "${", "{'a': <", "x1Y", "/", "eyJ", "authorization:", "login a password "} {
		text := strings.Repeat(unit, (1<<16)/len(unit))
		for _, field := range []string{"value", "comment", "init_hooks", "flags", "url"} {
			item, err := json.Marshal(map[string]any{"key": "password", field: text})
			if err != nil {
				t.Fatal(err)
			}
			secret.Find(item, nil)
		}
	}
}

func BenchmarkIn(b *testing.B) {
	item := []byte(`{"schema": "org.gnome.desktop.wm.keybindings", "key": "switch-to-workspace-left", "value": "['<Super>Page_Up', '<Super><Alt>Left', '<Control><Alt>Left']"}`)
	for b.Loop() {
		secret.Find(item, nil)
	}
}

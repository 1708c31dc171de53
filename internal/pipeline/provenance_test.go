package pipeline

import "testing"

func TestSourceURL(t *testing.T) {
	tests := map[string]string{
		"https://github.com/someone/project.git":           "https://github.com/someone/project",
		"https://github.com/someone/project/":              "https://github.com/someone/project",
		"https://someone:ghp_secret@github.com/someone/p":  "https://github.com/someone/p",
		"https://x-access-token@example.org:8443/a/b?c=d#": "https://example.org:8443/a/b",
		"git@github.com:someone/project.git":               "https://github.com/someone/project",
		"github.com:someone/project":                       "https://github.com/someone/project",
		"ssh://git@example.org:2222/someone/project.git":   "https://example.org/someone/project",
		"git://example.org/project.git":                    "https://example.org/project",
		"http://example.org/project":                       "http://example.org/project",
		"/srv/git/project.git":                             "",
		"../project":                                       "",
		"file:///srv/git/project.git":                      "",
		"ext::sh -c evil":                                  "",
		"":                                                 "",
	}
	for remote, want := range tests {
		if got := sourceURL(remote); got != want {
			t.Errorf("%s: %q, not %q", remote, got, want)
		}
	}
}

package host_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"bkt/internal/host"
	"bkt/internal/plan"
)

// finisher accepts all downloads, except those that say that they are wrong.
type finisher struct{ steps []plan.Step }

func (f finisher) Finish(file string, from plan.Source) ([]plan.Step, error) {
	info, err := os.Stat(file)
	if err == nil && info.Mode().Perm()&0o111 != 0 {
		return nil, errors.New("may be executed already")
	}
	text, err := os.ReadFile(file)
	if string(text) == "wrong" {
		err = errors.New("is wrong")
	}
	if from.SHA256 == "" {
		err = errors.New("its sha256 is missing")
	}
	return f.steps, err
}

// answers parses lines of a URL and a checksum.
type answers struct{}

func (answers) Source(_ string, text []byte) (plan.Source, error) {
	lines := strings.Split(string(text), "\n")
	if lines[0] == "" {
		return plan.Source{}, errors.New("says nothing")
	}
	return plan.Source{URL: lines[0], SHA256: sumOfContent}, nil
}

// programs serves files in parts, and breaks off at a given byte.
func programs(t *testing.T) (url string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	mux := http.NewServeMux()
	mux.HandleFunc("/{tag}/{text}", func(w http.ResponseWriter, r *http.Request) {
		if tag := r.PathValue("tag"); tag != "none" {
			w.Header().Set("ETag", `"`+tag+`"`)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(r.PathValue("text")))
	})
	mux.HandleFunc("/cut/{tag}/{text}", func(w http.ResponseWriter, r *http.Request) {
		if tag := r.PathValue("tag"); tag != "none" {
			w.Header().Set("ETag", `"`+tag+`"`)
		}
		w.Header().Set("Content-Length", "7")
		fmt.Fprint(w, r.PathValue("text"))
	})
	mux.HandleFunc("/lead", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("url")) })
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("url"), http.StatusFound)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Range")))
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestInstall(t *testing.T) {
	site, _ := programs(t)
	local := t.TempDir()
	put(t, local+"/x", "content", 0o600)
	sources := map[string]plan.Source{
		"sha256":   {URL: site + "/a/content", SHA256: sumOfContent},
		"SHA-1":    {URL: site + "/a/content", SHA1: fmt.Sprintf("%x", sha1.Sum([]byte("content"))), Size: 7},
		"a file":   {URL: "file://" + local + "/x", SHA256: sumOfContent},
		"redirect": {URL: site + "/to?url=/none/content", SHA256: sumOfContent},
		"asked":    {Ask: &plan.Ask{URLs: []string{site + "/missing", site + "/lead?url=" + site + "/a/content"}, Limit: 100, Answer: answers{}}},
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir+"/bin/x", "old", 0o644)
			host.Abandon(t, dir+"/bin") // by a run that was killed
			put(t, dir+"/bin/.x123", "of someone else", 0o600)
			steps := []plan.Step{plan.Overwrite{Path: dir + "/note", Text: []byte("done")}}
			err := carryOut(t, plan.Install{Source: source, Path: dir + "/bin/x", Cache: dir + "/cache/x", Limit: 7, Finish: finisher{steps}})
			if err != nil {
				t.Fatal(err)
			}
			want(t, dir, map[string]string{"bin/x": "content", "bin/.x123": "of someone else", "note": "done"})
			if mode := stat(t, dir+"/bin/x").Mode(); mode != 0o755 {
				t.Errorf("mode %v", mode)
			}
		})
	}
}

// TestInstallRefuses checks that a wrong program leaves nothing behind, and that the old
// file stays.
func TestInstallRefuses(t *testing.T) {
	site, _ := programs(t)
	lead := func(urls ...string) plan.Source {
		return plan.Source{Ask: &plan.Ask{URLs: urls, Limit: 100, Missing: "there is none", Answer: answers{}}}
	}
	tests := []struct {
		name   string
		source plan.Source
		err    string
	}{
		{"another sha256", plan.Source{URL: site + "/a/other", SHA256: sumOfContent}, "its sha256 is "},
		{"another SHA-1", plan.Source{URL: site + "/a/content", SHA1: "0"}, "its SHA-1 is "},
		{"the SHA-1, and another sha256", plan.Source{URL: site + "/a/other", SHA256: sumOfContent, SHA1: fmt.Sprintf("%x", sha1.Sum([]byte("other")))}, "its sha256 is "},
		{"nothing to know it by", plan.Source{URL: site + "/a/content"}, "it has no checksum"},
		{"another size", plan.Source{URL: site + "/a/content", SHA256: sumOfContent, Size: 8}, "has 7 bytes, not 8"},
		{"too large", plan.Source{URL: site + "/a/content2", SHA256: sumOfContent}, "is larger than 7 bytes"},
		{"wrong", plan.Source{URL: site + "/a/wrong", SHA256: "8810ad581e59f2bc3928b261707a71308f7e139eb04820366dc4d5c18d980225"}, "is wrong"},
		{"cut short, and not to be gone on with", plan.Source{URL: site + "/cut/none/cont", SHA256: sumOfContent}, "unexpected EOF"},
		{"missing", plan.Source{URL: site + "/x", SHA256: sumOfContent}, "the answer is 404 Not Found"},
		{"unsafe", plan.Source{URL: "http://192.0.2.1/x", SHA1: fmt.Sprintf("%x", sha1.Sum([]byte("content")))}, "is not safe"},
		{"another protocol", plan.Source{URL: "ftp://127.0.0.1/x", SHA256: sumOfContent}, "unsupported protocol scheme"},
		{"leads to what is unsafe", plan.Source{URL: site + "/to?url=http://192.0.2.1/x", SHA256: sumOfContent}, "which is not safe"},
		{"leads to a file", plan.Source{URL: site + "/to?url=file:///etc/passwd", SHA256: sumOfContent}, "redirects to file:///etc/passwd"},
		{"no answer", lead(site+"/x", site+"/y"), "there is none"},
		{"an answer that says nothing", lead(site + "/lead"), "says nothing"},
		{"an answer that is too large", lead(site + "/lead?url=" + strings.Repeat("x", 101)), "is larger than 100 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir+"/x", "old", 0o644)
			steps := []plan.Step{plan.Overwrite{Path: dir + "/note", Text: []byte("done")}}
			err := carryOut(t, plan.Install{Source: tt.source, Path: dir + "/x", Cache: dir + "/cache/x", Limit: 7, Finish: finisher{steps}})
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error is %v, not %s", err, tt.err)
			}
			want(t, dir, map[string]string{"x": "old"})
		})
	}
}

// TestInstallContinues checks that a download continues after an interruption, but only with
// the same file.
func TestInstallContinues(t *testing.T) {
	tests := []struct {
		name, part, of string // %s is the server
		asked          string
	}{
		{"the same", "cont", "%s/a/content\n\"a\"", "/a/content  bytes=4-"},
		{"changed meanwhile", "xxxx", "%s/a/content\n\"b\"", "/a/content  bytes=4-"},
		{"of another URL", "xxxx", "%s/b/content\n\"a\"", "/a/content"},
		{"of nothing that is known", "xxxx", "", "/a/content"},
		{"too much of it", "content and more", "%s/a/content\n\"a\"", "/a/content"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site, asked := programs(t)
			dir := t.TempDir()
			put(t, dir+"/cache/x", tt.part, 0o600)
			put(t, dir+"/cache/x.of", strings.ReplaceAll(tt.of, "%s", site), 0o600)
			err := carryOut(t, plan.Install{Source: plan.Source{URL: site + "/a/content", SHA256: sumOfContent}, Path: dir + "/x", Cache: dir + "/cache/x", Limit: 7, Finish: finisher{}})
			if err != nil {
				t.Fatal(err)
			}
			want(t, dir, map[string]string{"x": "content"})
			if last := (*asked)[len(*asked)-1]; last != tt.asked {
				t.Errorf("asked for %q, not %q", *asked, tt.asked)
			}
		})
	}
}

func TestInstallKeepsWhatBrokeOff(t *testing.T) {
	site, _ := programs(t)
	dir := t.TempDir()
	err := carryOut(t, plan.Install{Source: plan.Source{URL: site + "/cut/a/cont", SHA256: sumOfContent}, Path: dir + "/x", Cache: dir + "/cache/x", Limit: 7, Finish: finisher{}})
	if err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Error(err)
	}
	want(t, dir, map[string]string{"cache/x": "cont", "cache/x.of": site + "/cut/a/cont\n\"a\""})
}

// TestTokensStay checks that a token is sent only to its own server.
func TestTokensStay(t *testing.T) {
	other, askedOther := programs(t)
	site, asked := programs(t)
	source := plan.Source{Ask: &plan.Ask{URLs: []string{site + "/to?url=" + other + "/lead?url=" + other + "/a/content"}, Token: "secret", Limit: 100, Answer: answers{}}}
	install := plan.Install{Source: source, Path: t.TempDir() + "/x", Cache: t.TempDir() + "/x", Limit: 7, Finish: finisher{}}
	if err := carryOut(t, install); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(install.String(), "secret") {
		t.Error(install)
	}
	if !strings.Contains(strings.Join(*asked, " "), "Bearer secret") || strings.Contains(strings.Join(*askedOther, " "), "secret") {
		t.Errorf("%q, and elsewhere %q", *asked, *askedOther)
	}
}

func TestInstallTellsProgress(t *testing.T) {
	site, _ := programs(t)
	var last string
	ctx := host.WithProgress(t.Context(), func(name string, done, total int64) { last = fmt.Sprint(name, done, total) })
	install := plan.Install{Name: "x ", Source: plan.Source{URL: site + "/a/content", SHA256: sumOfContent}, Path: t.TempDir() + "/x", Cache: t.TempDir() + "/x", Limit: 7, Finish: finisher{}}
	if err := (host.Executor{}).Execute(ctx, plan.Plan{{Steps: []plan.Step{install}}}, ignore); err != nil {
		t.Fatal(err)
	}
	if last != "x 7 7" {
		t.Error(last)
	}
}

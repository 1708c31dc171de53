package main

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bkt/internal/testkit"

	"github.com/rogpeppe/go-internal/testscript"
)

// appImageCommands are the script commands for AppImages.
func appImageCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"appimage": makeAppImage,
		"zsync":    makeZsync,
		"github":   serveReleases,
		"md5group": md5Group,
		"sha256":   sumOf,
	}
}

// withRuntime lets scripts make AppImages: $RUNTIME is the program at their start.
func withRuntime(path string, surround func(*testscript.Env) error) func(*testscript.Env) error {
	return func(env *testscript.Env) error {
		env.Setenv("RUNTIME", path)
		return surround(env)
	}
}

// realRuntime returns the program that opens the image and runs its content.
func realRuntime(t *testing.T) string {
	t.Helper()
	testkit.Need(t, "mksquashfs")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "bkt")
	if set := os.Getenv("BKT_CACHE"); set != "" {
		dir = set
	}
	path := filepath.Join(dir, "offline", "appimage", "runtime")
	if _, err := os.Stat(path); err != nil {
		testkit.Missing(t, err.Error()+": scripts/offline.sh appimage makes it")
	}
	return path
}

// fakeRuntime makes a program that cannot run. It has the section for update information.
func fakeRuntime(t *testing.T) string {
	t.Helper()
	testkit.Need(t, "mksquashfs")
	const names = "\x00.upd_info\x00.shstrtab\x00"
	header := elf.Header64{
		Ident:     [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT), 0, 'A', 'I', 2},
		Type:      uint16(elf.ET_EXEC),
		Machine:   uint16(elf.EM_X86_64),
		Version:   uint32(elf.EV_CURRENT),
		Ehsize:    64,
		Shentsize: 64,
		Shnum:     3,
		Shstrndx:  2,
		Shoff:     64 + 1024 + uint64(len(names)),
	}
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: 64, Size: 1024},
		{Name: 11, Type: uint32(elf.SHT_STRTAB), Off: 64 + 1024, Size: uint64(len(names))},
	}
	var b bytes.Buffer
	for _, part := range []any{header, make([]byte, 1024), []byte(names), sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "runtime")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// makeAppImage makes an AppImage of the files in a folder:
//
//	appimage FILE DIR [comp=NAME] [update=INFORMATION] [swap=OLD/NEW]…
//
// Swap replaces names in the image by names of the same length that no tool writes.
func makeAppImage(ts *testscript.TestScript, _ bool, args []string) {
	file, dir := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	comp, update, swaps := "gzip", "", [][]byte(nil)
	for _, arg := range args[2:] {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "comp":
			comp = value
		case "update":
			update = value
		case "swap":
			swaps = append(swaps, []byte(value))
		}
	}
	options := []string{dir, file + ".squashfs", "-root-owned", "-noappend", "-no-progress", "-mkfs-time", "0", "-all-time", "0", "-comp", comp}
	if len(swaps) > 0 {
		options = append(options, "-noI", "-noD", "-noF", "-noX")
	}
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	if out, err := exec.Command("mksquashfs", options...).CombinedOutput(); err != nil {
		ts.Fatalf("mksquashfs: %v\n%s", err, out)
	}
	image, err := os.ReadFile(file + ".squashfs")
	ts.Check(err)
	ts.Check(os.Remove(file + ".squashfs"))
	for _, s := range swaps {
		half := len(s) / 2
		old, name := s[:half], s[half+1:]
		if len(old) != len(name) || !bytes.Contains(image, old) {
			ts.Fatalf("%s cannot be swapped", s)
		}
		image = bytes.ReplaceAll(image, old, name)
	}
	ts.Check(os.WriteFile(file, append(runtimeWith(ts, update), image...), 0o755))
}

// runtimeWith returns the program that AppImages start with, with information
// about updates.
func runtimeWith(ts *testscript.TestScript, update string) []byte {
	text, err := os.ReadFile(ts.Getenv("RUNTIME"))
	ts.Check(err)
	f, err := elf.NewFile(bytes.NewReader(text))
	ts.Check(err)
	copy(text[f.Section(".upd_info").Offset:], update)
	return text
}

// makeZsync makes the .zsync file of a file that is at a URL:
//
//	zsync FILE TARGET URL
func makeZsync(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte(ts.ReadFile(args[1]))
	head := fmt.Sprintf("zsync: 0.6.2\nFilename: %s\nMTime: Thu, 01 Jan 1970 00:00:00 +0000\nBlocksize: 2048\nLength: %d\nHash-Lengths: 2,2,5\nURL: %s\nSHA-1: %x\n\n",
		filepath.Base(args[1]), len(text), args[2], sha1.Sum(text))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append([]byte(head), 0, 1, 2, 0xff), 0o644))
}

// md5Group sets a variable to the name of the group that Gear Lever has for a file:
//
//	md5group VAR FILE
func md5Group(ts *testscript.TestScript, _ bool, args []string) {
	out, err := exec.Command("sh", "-c", `printf %s "$0" | md5sum`, ts.MkAbs(args[1])).Output()
	ts.Check(err)
	ts.Setenv(args[0], "app."+string(out[:32]))
}

// sumOf sets a variable to the sha256 of a file:
//
//	sha256 VAR FILE
func sumOf(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], fmt.Sprintf("%x", sha256.Sum256([]byte(ts.ReadFile(args[1])))))
}

// A releaseSite is a server with the API of GitHub, as far as bkt uses it.
type releaseSite struct {
	mu  sync.Mutex
	dir string
	url string
}

// serveReleases serves releases and files:
//
//	github DIR
//
// DIR/repos/OWNER/NAME/TAG/FILE is a file of a release; the greatest tag is the
// newest. FILE.digest has the digest to report for it. A folder TAG that contains a
// file prerelease is a prerelease. DIR/files has other files. It sets GITHUB and
// BKT_GITHUB_URL to the server's URL, and writes a line to DIR/log for each request. A
// number in DIR/cut ends the next download after that many bytes; a number in
// DIR/status is the status of all responses.
func serveReleases(ts *testscript.TestScript, _ bool, args []string) {
	s := &releaseSite{dir: ts.MkAbs(args[0])}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/{owner}/{name}/releases", s.releases)
	mux.HandleFunc("GET /repos/{owner}/{name}/releases/latest", s.latest)
	mux.HandleFunc("GET /repos/{owner}/{name}/releases/tags/{tag}", s.tag)
	mux.HandleFunc("GET /repos/{owner}/{name}/download/{tag}/{file}", s.download)
	mux.HandleFunc("GET /files/{file}", s.download)
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("url"), http.StatusFound)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.log(strings.TrimSpace(r.URL.String() + " " + r.Header.Get("Authorization") + " " + r.Header.Get("Range")))
		if text, err := os.ReadFile(s.dir + "/status"); err == nil {
			status, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			w.WriteHeader(status)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	ts.Defer(server.Close)
	s.url = server.URL
	ts.Setenv("GITHUB", server.URL)
	ts.Setenv("BKT_GITHUB_URL", server.URL)
	s.log("served")
}

func (s *releaseSite) log(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.dir+"/log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

// A releaseJSON is a release as GitHub describes it.
type releaseJSON struct {
	Tag        string      `json:"tag_name"`
	Draft      bool        `json:"draft"`
	Prerelease bool        `json:"prerelease"`
	Assets     []assetJSON `json:"assets"`
}

type assetJSON struct {
	Name   string  `json:"name"`
	URL    string  `json:"browser_download_url"`
	Size   int     `json:"size"`
	Digest *string `json:"digest"`
}

// all returns the releases of a repository, the newest first.
func (s *releaseSite) all(r *http.Request) []releaseJSON {
	repo := filepath.Join(s.dir, "repos", r.PathValue("owner"), r.PathValue("name"))
	tags, _ := os.ReadDir(repo)
	var all []releaseJSON
	for _, tag := range tags {
		all = append(all, s.release(r, filepath.Join(repo, tag.Name())))
	}
	slices.Reverse(all)
	return all
}

func (s *releaseSite) release(r *http.Request, dir string) releaseJSON {
	found := releaseJSON{Tag: filepath.Base(dir), Assets: []assetJSON{}}
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		text, _ := os.ReadFile(filepath.Join(dir, f.Name()))
		switch {
		case f.Name() == "prerelease":
			found.Prerelease = true
			continue
		case strings.HasSuffix(f.Name(), ".digest"):
			continue
		}
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(text))
		a := assetJSON{f.Name(), s.url + strings.Split(r.URL.Path, "/releases")[0] + "/download/" + found.Tag + "/" + f.Name(), len(text), &digest}
		if written, err := os.ReadFile(filepath.Join(dir, f.Name()+".digest")); err == nil {
			digest = strings.TrimSpace(string(written))
			if digest == "" {
				a.Digest = nil
			}
		}
		found.Assets = append(found.Assets, a)
	}
	return found
}

func (s *releaseSite) releases(w http.ResponseWriter, r *http.Request) { sendJSON(w, s.all(r)) }

func (s *releaseSite) latest(w http.ResponseWriter, r *http.Request) {
	s.first(w, r, func(found releaseJSON) bool { return !found.Prerelease })
}

func (s *releaseSite) tag(w http.ResponseWriter, r *http.Request) {
	s.first(w, r, func(found releaseJSON) bool { return found.Tag == r.PathValue("tag") })
}

func (s *releaseSite) first(w http.ResponseWriter, r *http.Request, wanted func(releaseJSON) bool) {
	for _, found := range s.all(r) {
		if wanted(found) {
			sendJSON(w, found)
			return
		}
	}
	http.NotFound(w, r)
}

func sendJSON(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func (s *releaseSite) download(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join(s.dir, "repos", r.PathValue("owner"), r.PathValue("name"), r.PathValue("tag"), r.PathValue("file"))
	if r.PathValue("tag") == "" {
		path = filepath.Join(s.dir, "files", r.PathValue("file"))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha1.Sum(text)))
	if cut, err := os.ReadFile(s.dir + "/cut"); err == nil && !strings.HasSuffix(path, ".zsync") {
		_ = os.Remove(s.dir + "/cut")
		n, _ := strconv.Atoi(strings.TrimSpace(string(cut)))
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, err := w.Write(text[:n])
		if f, ok := w.(http.Flusher); ok && err == nil {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	f, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		http.ServeContent(w, r, path, info.ModTime(), f)
	}
}

package buildkit

import (
	"strings"
	"testing"

	"bkt/internal/engineclient"
	"bkt/internal/hint"
)

// TestTrouble checks what errors of engines and outputs of steps are taken for. The
// texts are those of BuildKit 0.34, containerd and runc.
func TestTrouble(t *testing.T) {
	root := t.TempDir()
	b := Builder{Config: engineclient.Config{Address: engineclient.Own, Root: root}, outputs: []string{"/repo/build/system", "/elsewhere/image.tar"}}
	for _, tt := range []struct{ text, output, want, hint string }{
		{"write " + root + "/runc-overlayfs/executor/hosts.tmp: no space left on device", "", noSpace, root},
		{"mount callback failed on /run/x/containerd-mount1: write /run/x/containerd-mount1/usr/lib/y: no space left on device", "", noSpace, root},
		{"process did not complete successfully: exit code: 1", "cp: error copying '/a' to '/b': No space left on device\n", noSpace, root},
		{"process did not complete successfully: exit code: 1", "No space left on device\n" + strings.Repeat("later\n", 20), "", ""},
		{"failed to copy: write /repo/build/system/ingest/12/data: no space left on device", "", "writing the image: /repo/build/system: no space left on device", "--output"},
		{"failed to copy to tar: write /elsewhere/.image.tar123: no space left on device", "", "writing the image: /elsewhere/image.tar: no space left on device", "--output"},
		{"failed to commit a to b during finalize: failed to stat active key during commit: snapshot does not exist: not found", "", "during finalize", "bkt engine prune"},
		{`failed to prepare a as b: failed to create snapshot: missing parent "buildkit/9/a" bucket: not found`, "", "missing parent", "bkt engine prune"},
		{`failed to commit a to b during finalize: failed to commit snapshot buildkit/8/a: missing parent "buildkit/7/b" of snapshot "buildkit/8/a": not found`, "", "missing parent", "bkt engine prune"},
		{"snapshot buildkit/12/a does not exist: not found", "", "does not exist", "bkt engine prune"},
		{`"/no-such-file": not found`, "", "", ""},
		{"example.org/base@sha256:12: not found", "", "", ""},
		{"process did not complete successfully: exit code: 1", "touch: cannot touch '/sys/x': Read-only file system\n", "", ""}, // the disk of this test is not full
		{"process did not complete successfully: exit code: 1", "make: *** Error 1\n", "", ""},
		{"process did not complete successfully: exit code: 1", "runc run failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory\n", "no /bin/sh", "a shell"},
	} {
		err := b.trouble(t.Context(), tt.text, tt.output)
		if err == nil {
			if tt.want != "" {
				t.Errorf("%q %q: nothing", tt.text, tt.output)
			}
			continue
		}
		if hints := strings.Join(hint.Of(err), "\n"); tt.want == "" || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hints, tt.hint) {
			t.Errorf("%q %q: %v\nhint: %s", tt.text, tt.output, err, hints)
		}
	}
	b.Config.Address = "tcp://example.org:1"
	if hints := hint.Of(b.trouble(t.Context(), noSpace, "")); len(hints) != 1 || !strings.Contains(hints[0], "tcp://example.org:1") {
		t.Errorf("of another engine: %q", hints)
	}
}

func TestSigns(t *testing.T) {
	for text, want := range map[string]bool{
		"runc run failed: unable to start container process: error during container init: unable to store init state: %!w(<nil>)": true,
		"mkdir: cannot create directory '/usr/f2': Read-only file system":                                                         true,
		"unable to start container process": false,
	} {
		if isStarved(text) != want {
			t.Errorf("starved: %q", text)
		}
	}
	for text, want := range map[string]bool{
		"chown: changing ownership of '/usr/x': Invalid argument":                   true,
		"failed to Lchown \"/x\" for UID 0, GID 65534: lchown /x: invalid argument": true,
		"mount: invalid argument\nunknown":                                          false,
	} {
		if hasNoOwner(text) != want {
			t.Errorf("no owner: %q", text)
		}
	}
	for text, want := range map[string]bool{
		`failed to do request: Head "https://quay.io/v2/": dial tcp: lookup quay.io on 127.0.0.53:53: no such host`:        true,
		`failed to do request: Head "https://quay.io/v2/": dial tcp: lookup quay.io: Temporary failure in name resolution`: true,
		`failed to do request: Head "http://127.0.0.1:5/v2/": dial tcp 127.0.0.1:5: connect: connection refused`:           true,
		`failed to authorize: failed to fetch anonymous token: unexpected status from GET request: 401 Unauthorized`:       false,
	} {
		if isUnreachable(text) != want {
			t.Errorf("unreachable: %q", text)
		}
	}
	if !isGone("failed to resolve source metadata for q.io/x@sha256:12: q.io/x@sha256:12: not found") || isGone("q.io/x:1: not found") {
		t.Error("gone")
	}
}

func TestSpace(t *testing.T) {
	for want, s := range map[string]space{"31 MB free": {bytes: 31 << 20}, "12 kB free": {bytes: 12 << 10}, "3 inodes free": {bytes: 31 << 20, inodes: 3, counted: true}, "32 MB free": {bytes: 32 << 20, inodes: 0}} {
		if s.String() != want {
			t.Errorf("%v, not %s", s, want)
		}
	}
}

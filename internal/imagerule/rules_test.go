package imagerule_test

import (
	"strings"
	"testing"

	"bkt/internal/dockerfile"
	"bkt/internal/imagerule"

	"github.com/google/go-cmp/cmp"
)

func TestCheckPath(t *testing.T) {
	tests := []struct {
		path, rule string
		fatal      bool
	}{
		{"/etc/motd", "", false},
		{"/usr/bin/x", "", false},
		{"/usr/etc", "bootc/usr-etc", true},
		{"/usr/etc/motd", "bootc/usr-etc", true},
		{"/usr/etcetera", "", false},
		{"/usr/../usr/etc/motd", "bootc/usr-etc", true},
		{"/var/run/x", "bootc/var-run", true},
		{"/var/log/x", "bootc/var", false},
		{"/var/lib/x", "bootc/var", false},
		{"/variant", "", false},
		{"/run/x", "bootc/run-tmp", false},
		{"/tmp/x", "bootc/run-tmp", false},
		{"/boot/x", "bootc/boot", false},
		{"/opt/x", "bootc/opt", false},
		{"/usr/local/bin/x", "bootc/usr-local", false},
		{"/home/x", "bootc/home", false},
		{"/root/.x", "bootc/home", false},
		{"/dev/x", "bootc/dev", false},
		{"/proc/x", "bootc/dev", false},
		{"/sys/x", "bootc/dev", false},
		{"/sysroot/x", "bootc/sysroot", true},
		{"/ostree/x", "bootc/sysroot", true},
		{"/usr/lib/bootc/kargs.d/10-x.toml", "", false},
		{"/usr/lib/bootc/kargs.d/10-x.conf", "bootc/kargs", false},
		{"/usr/lib/bootc/kargs.d/sub/x.conf", "", false},
		{"/etc/passwd", "bootc/sysusers", false},
		{"/etc/passwd/x", "", false},
		{"/etc/gshadow", "bootc/sysusers", false},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p := imagerule.CheckPath(tt.path)
			if p == nil {
				p = &imagerule.Problem{}
			} else if p.What == "" || p.Advice == "" {
				t.Errorf("no text: %+v", p)
			}
			if p.Rule != tt.rule || p.Fatal != tt.fatal {
				t.Errorf("got %q, fatal %v", p.Rule, p.Fatal)
			}
		})
	}
}

func TestPackagesOfAMachine(t *testing.T) {
	tests := []struct {
		spec             string
		hostOnly, kernel bool
	}{
		{"jq", false, false},
		{"kernel", true, true},
		{"kernel-core", true, true},
		{"kernel-core-6.12.0", true, true},
		{"kernel.x86_64", true, true},
		{"kernel >= 6.1", true, true},
		{"kernel-64k", true, true},
		{"kernel-64k-6.1", true, true},
		{"kernel-64k-core", true, true},
		{"kernel-modules-extra", true, false},
		{"kernel-tools", false, false},
		{"kernel-headers", false, false},
		{"grub2-efi-x64", true, false},
		{"dracut", true, false},
		{"bootc", true, false},
		{"bootc-image-builder", false, false},
		{"rpm-ostree", true, false},
		{"linux-firmware", true, false},
		{"-", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			if got := imagerule.IsHostOnly(tt.spec); got != tt.hostOnly {
				t.Errorf("IsHostOnly = %v", got)
			}
			if got := imagerule.IsKernel(tt.spec); got != tt.kernel {
				t.Errorf("IsKernel = %v", got)
			}
		})
	}
}

func TestRemovesKernel(t *testing.T) {
	tests := []struct {
		removed string
		want    bool
	}{{"", false}, {"jq", false}, {"kernel", true}, {"jq kernel-core", true}, {"kernel*", true}, {"kernel-tools", false}}
	for _, tt := range tests {
		if got := imagerule.RemovesKernel(strings.Fields(tt.removed)); got != tt.want {
			t.Errorf("%q: %v", tt.removed, got)
		}
	}
}

func TestInstructions(t *testing.T) {
	tests := []struct {
		text string
		want []string // rules
	}{
		{"RUN true", nil},
		{"ENV A=b", nil},
		{"COPY a /usr/bin/a", nil},
		{"COPY a /usr/etc/a", []string{"bootc/usr-etc"}},
		{"ADD https://example.org/x /opt/x", []string{"bootc/opt"}},
		{"COPY a /tmp/a", nil}, // for a later step
		{"COPY a relative", nil},
		{"COPY a.toml /usr/lib/bootc/kargs.d/", nil},
		{"COPY a.conf b.toml c.txt /usr/lib/bootc/kargs.d/", []string{"bootc/kargs", "bootc/kargs"}},
		{"COPY kargs.d /usr/lib/bootc/kargs.d/", nil}, // perhaps a folder
		{"COPY a.conf/ /usr/lib/bootc/kargs.d/", nil},
		{"COPY *.conf /usr/lib/bootc/kargs.d/", nil},
		{"COPY a /usr/lib/bootc/kargs.d/a.conf", []string{"bootc/kargs"}},
		{"RUN useradd x", []string{"bootc/sysusers"}},
		{"RUN dnf install -y x && /usr/sbin/useradd x; groupadd y", []string{"bootc/sysusers"}},
		{"RUN echo useradd", nil},
		{"RUN [\"useradd\", \"x\"]", []string{"bootc/sysusers"}},
		{"RUN <<E\nif true; then\n\tusermod x\nfi\nE", []string{"bootc/sysusers"}},
		{"RUN bash -eu <<E\nuseradd x\nE", []string{"bootc/sysusers"}},
		{"RUN cat >/usr/bin/x <<E\nuseradd x\nE", nil}, // a file
		{"RUN useradd x <<E\ny\nE", []string{"bootc/sysusers"}},
		{"RUN useradd x | (", nil}, // the shell complains
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var got []string
			for _, p := range check(t, tt.text) {
				got = append(got, p.Rule)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// check returns what is wrong with instructions, without a context.
func check(t *testing.T, text string) []imagerule.Found {
	t.Helper()
	file, err := dockerfile.Parse([]byte("FROM quay.io/fedora/fedora-bootc:43\n" + text + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return imagerule.Build{Escape: `\`}.Check(file.Stages[0]).Found
}

package imagerule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/dockerfile"
	"bkt/internal/imagerule"

	"github.com/google/go-cmp/cmp"
)

// A line has instructions as Containerfiles of real images have them, below a FROM that it
// may bring itself. want are the rules that they break; an exclamation mark follows one by
// which bootc refuses the image.
type line struct {
	text string
	want string
}

// context has the files that the lines copy.
var context = fstest.MapFS{
	"skel/usr/etc/skel/.bashrc":              {Data: []byte("x")},
	"skel/usr/etc/skel/.profile":             {Data: []byte("x")},
	"wrong-kargs/10-swap.toml":               {Data: []byte("kargs = [\"zswap.enabled=1\"]\nappend = [\"quiet\"]\n")},
	"tree/usr/lib/bootc/kargs.d/10-gpu.conf": {Data: []byte("kargs = [\"a\"]\n")},
	"tree/etc/modprobe.d/gpu.conf":           {Data: []byte("options a b\n")},
	"01-fips.toml":                           {Data: []byte("kargs = [\"fips=1\"] # on\nmatch-architectures = [\"x86_64\", \"aarch64\"]\n")},
	"a.toml":                                 {Data: []byte("kargs = [\"quiet\"]\n")},
	"kargs.d/a.toml":                         {Data: []byte("kargs = [\n  \"quiet\",\n]\n")},
	"etc/yum.repos.d/google-cloud.repo":      {Data: []byte("[google]\nenabled=1\n")},
	"etc/cloud/cloud.cfg.d/05_logging.cfg":   {Data: []byte("x")},
	"usr/lib/bootc/install/05-cloud.toml":    {Data: []byte("[install]\nkargs = [\"console=ttyS0\"]\n")},
	"usr/lib/systemd/system/x.service":       {Data: []byte("x")},
	"uki/EFI/Linux/6.17.efi":                 {Data: []byte("x")},
	"99-nvidia.conf":                         {Data: []byte("force_drivers+=\" nvidia \"\n")},
	"build_files/build.sh":                   {Data: []byte("dnf install x\n")},
	"vmlinuz":                                {Data: []byte("x")},
	"motd":                                   {Data: []byte("x")},
}

var broken = []line{
	{"RUN mkdir -p /usr/etc/skel", "bootc/usr-etc!"},
	{"COPY skel /", "bootc/usr-etc!"},
	{"ENV DEST=/usr/etc\nCOPY motd $DEST/motd", "bootc/usr-etc!"},
	{"ARG PREFIX=/usr\nCOPY motd ${PREFIX}/etc/", "bootc/usr-etc!"},
	{"WORKDIR /usr\nWORKDIR etc\nCOPY motd ./", "bootc/usr-etc!"},
	{"RUN --mount=type=bind,target=/ctx cp /ctx/app.conf /usr/etc/app.conf", "bootc/usr-etc!"},
	{"RUN cd /usr/etc && cp /ctx/app.conf .", "bootc/usr-etc!"},
	{"RUN if test -d /usr/etc; then touch /usr/etc/x; fi", "bootc/usr-etc"},
	{"RUN tar xzf /ctx/etc.tgz -C /usr/etc", "bootc/usr-etc!"},
	{"RUN tar --extract -f /ctx/etc.tar --directory=/usr/etc", "bootc/usr-etc!"},
	{"COPY <<EOF /usr/lib/bootc/kargs.d/10-quiet.toml\nkargs = \"quiet\"\nEOF", "bootc/kargs!"},
	{"COPY <<'EOF' /usr/lib/bootc/kargs.d/10-quiet.toml\n[kargs]\nappend = [\"quiet\"]\nEOF", "bootc/kargs!"},
	{"COPY wrong-kargs/ /usr/lib/bootc/kargs.d/", "bootc/kargs!"},
	{"RUN echo 'kargs = [\"zswap.enabled=1\"]' > /usr/lib/bootc/kargs.d/tuning.karg", "bootc/kargs"},
	{`RUN printf 'kargs = ["quiet"]\ndelete = ["rhgb"]\n' > /usr/lib/bootc/kargs.d/50-quiet.toml`, "bootc/kargs!"},
	{"RUN tee /usr/lib/bootc/kargs.d/00-gpu.toml <<EOF\nkargs = [\"a.modeset=1\"]\nmatch-architectures = [\"amd64\"]\nEOF", "bootc/kargs"},
	{"COPY a.toml /usr/lib/bootc/kargs.d", "bootc/kargs"},
	{"COPY tree/ /", "bootc/initramfs bootc/kargs"},
	{"FROM scratch AS ctx\nCOPY tree /files\nFROM fedora-bootc\nCOPY --from=ctx /files /", "bootc/initramfs bootc/kargs"},
	{"FROM scratch AS ctx\nCOPY tree skel /\nFROM fedora-bootc\nCOPY --from=ctx /usr /usr", "bootc/kargs bootc/usr-etc!"},
	{"FROM scratch AS ctx\nCOPY wrong-kargs/*.toml /\nFROM fedora-bootc\nCOPY --from=ctx /10-swap.toml /usr/lib/bootc/kargs.d/", "bootc/kargs!"},
	{"RUN useradd -m -s /bin/false -r linuxbrew", "bootc/sysusers"},
	{"RUN bash -eux <<'EOF'\ndnf install -y cups\nuseradd -r printing\nEOF", "bootc/sysusers"},
	{"RUN for g in docker incus; do groupadd -r $g; done", "bootc/sysusers"},
	{"RUN /bin/bash -c \"set -e; usermod -aG wheel demo\"", "bootc/sysusers"},
	{"RUN install -Dm644 /ctx/index.html /var/www/html/index.html", "bootc/var"},
	{"RUN echo '<?php phpinfo(); ?>' >> /var/www/html/index.php", "bootc/var"},
	{"RUN ln -s /opt/linuxbrew /var/home/linuxbrew", "bootc/var"},
	{"RUN cp -r /ctx/vendor /opt/vendor", "bootc/opt"},
	{"RUN curl -fsSL https://example.org/app.tgz | tar -xz -C /opt", "bootc/opt"},
	{"RUN curl -fsSLo /opt/tool/tool https://example.org/tool && chmod +x /opt/tool/tool", "bootc/opt"},
	{"RUN dnf -y copr enable yalter/niri && dnf -y install niri", "repo-enabled"},
	{"RUN for repo in a/niri b/dms; do dnf5 -y copr enable \"$repo\"; done && dnf5 -y clean all", "repo-enabled"},
	{"RUN dnf config-manager addrepo --from-repofile=https://pkgs.tailscale.com/stable/fedora/tailscale.repo && dnf -y install tailscale", "repo-enabled"},
	{"RUN dnf -y install dnf-plugins-core && dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo", "repo-enabled"},
	{"COPY 99-nvidia.conf /usr/lib/dracut/dracut.conf.d/", "bootc/initramfs"},
	{"RUN echo 'options nvidia-drm modeset=1' > /usr/lib/modprobe.d/nvidia-modeset.conf", "bootc/initramfs"},
	{"RUN dnf -y install kernel-core kernel-modules", "bootc/kernel"},
	{"RUN dnf install rclone \\\n    && dnf clean all", "dnf-asks"},
	{"COPY vmlinuz /boot/vmlinuz", "bootc/boot"},
}

var sound = []line{
	{"COPY --from=sealer /out/boot /boot", ""},
	{"COPY uki /boot", ""},
	{"COPY --from=sealer /out/6.17.efi /boot/EFI/Linux/6.17.efi", ""},
	{"RUN mkdir -p /var/lib/alternatives \\\n  && /tmp/install.sh \\\n  && mv /var/lib/alternatives /staged \\\n  && rm -fr /tmp/* /var/* \\\n  && mkdir -p /var/lib && mv /staged /var/lib/alternatives \\\n  && mkdir -p /tmp /var/tmp && chmod -R 1777 /tmp /var/tmp", ""},
	{"FROM scratch AS ctx\nCOPY skel /skel\nCOPY etc usr /files/\nFROM fedora-bootc\nCOPY --from=ctx /files /", ""},
	{"FROM scratch AS ctx\nCOPY skel /\nRUN true\nFROM fedora-bootc\nCOPY --from=ctx / /", ""}, // not known
	{"FROM scratch AS ctx\nCOPY build_files /\nFROM fedora-bootc\nCOPY --from=ctx /build.sh /tmp/build.sh", ""},
	{"RUN ln -s /usr/lib/brew /var/home/brew\nRUN echo 'L /var/home/brew - - - - /usr/lib/brew' >> /etc/tmpfiles.d/brew.conf", ""},
	{"RUN dnf5 -y copr enable a/niri && dnf5 -y install niri && /ctx/cleanup", ""}, // which may disable it
	{"RUN mkdir -p /var/roothome && dnf5 config-manager setopt keepcache=1", ""},
	{"RUN rm -rf /opt && ln -s /var/opt /opt", ""},
	{"RUN mkdir -p /var/opt && dnf -y install microsoft-edge && mv /var/opt/microsoft /usr/lib/microsoft && echo 'L /opt/microsoft - - - - /usr/lib/microsoft' > /usr/lib/tmpfiles.d/edge.conf", ""},
	{"RUN dnf5 -y copr enable ublue-os/staging && dnf5 -y install bazaar && dnf5 -y copr disable ublue-os/staging", ""},
	{"RUN for repo in a/niri b/dms; do dnf5 -y copr enable $repo; done\nRUN dnf5 -y install niri dms\nRUN for repo in $REPOS; do dnf5 -y copr remove \"$repo\"; done", ""},
	{"RUN dnf config-manager addrepo --from-repofile=https://pkgs.tailscale.com/stable/fedora/tailscale.repo && dnf config-manager setopt tailscale-stable.enabled=0 && dnf -y install --enablerepo=tailscale-stable tailscale", ""},
	{"RUN dnf config-manager addrepo --set=enabled=0 --from-repofile=https://example.org/x.repo", ""},
	{"RUN dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo && dnf -y install docker-ce\nRUN rm -f /etc/yum.repos.d/docker-ce.repo", ""},
	{"RUN dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo && sed -i 's/enabled=1/enabled=0/' /etc/yum.repos.d/docker-ce.repo", ""},
	{"COPY 01-fips.toml /usr/lib/bootc/kargs.d/", ""},
	{"COPY kargs.d /usr/lib/bootc/kargs.d", ""},
	{"RUN mkdir -p /usr/lib/bootc/kargs.d\nCOPY a.toml /usr/lib/bootc/kargs.d", ""},
	{"COPY <<EOF /usr/lib/bootc/kargs.d/00-serial.toml\nkargs = ['console=ttyS0,115200'] # serial\nEOF", ""},
	{"RUN mkdir -p /usr/lib/bootc/kargs.d && cat > /usr/lib/bootc/kargs.d/10-mac.toml <<'KARGS'\nkargs = [\"acpi_osi=!Darwin\", \"acpi_osi=!Windows 2012\"]\nmatch-architectures = [\"x86_64\"]\nKARGS", ""},
	{`RUN echo "kargs = [\"nvidia_drm.modeset=1\"]" > /usr/lib/bootc/kargs.d/10-nvidia.toml`, ""},
	{"RUN --mount=type=bind,src=firmware,dst=/ctx/firmware --mount=type=cache,dst=/var/log --mount=type=tmpfs,dst=/tmp cp -a /ctx/firmware/. /tmp/firmware && cp -a /tmp/firmware/. / && rm -rf /tmp/firmware", ""},
	{"RUN --mount=type=tmpfs,dst=/var cp /ctx/state /var/lib/state && /ctx/build.sh", ""},
	{"RUN echo 'omit_dracutmodules+=\" nfs \"' > /usr/lib/dracut/dracut.conf.d/no-nfs.conf && kver=$(ls /usr/lib/modules) && dracut -f \"/usr/lib/modules/$kver/initramfs.img\" \"$kver\"", ""},
	{"COPY 99-nvidia.conf /usr/lib/dracut/dracut.conf.d/\nRUN --mount=type=bind,from=ctx,target=/ctx /ctx/build-initramfs && /ctx/cleanup", ""},
	{"RUN echo zfs > /usr/lib/modules-load.d/zfs.conf", ""},
	{"RUN dnf -y remove kernel kernel-core kernel-modules && dnf -y install kernel-rt", ""},
	{"FROM quay.io/fedora/fedora:43\nRUN dnf -y install kernel bootc systemd dracut", ""},
	{"RUN dnf -y install kernel-devel kernel-tools kernel-modules-extra", ""},
	{"RUN dnf install -y dracut-fips openssh-server && dnf clean all", ""},
	{"RUN yes | dnf install jq", ""},
	{"RUN dnf5 -qy --setopt=install_weak_deps=False install jq && dnf5 install --assumeyes git", ""},
	{"RUN echo 'useradd comes later' && systemctl enable sshd.socket", ""},
	{"RUN cat > /usr/libexec/first-boot <<'EOF'\n#!/bin/bash\nuseradd -m me\nEOF", ""},
	{"COPY etc /etc", ""},
	{"COPY usr/ /usr/", ""},
	{"COPY build_files/*.sh /tmp/\nRUN /tmp/build.sh && rm -rf /tmp/*", ""},
	{"RUN ln -sf /usr/share/zoneinfo/Europe/Copenhagen /etc/localtime && echo Europe/Copenhagen > /etc/timezone", ""},
	{"RUN cp -r /usr/etc/. /etc/ 2>/dev/null || true; rm -rf /usr/etc", ""},
	{"RUN mkdir -p /usr/etc/app && make install && mv /usr/etc/app /etc/app && rmdir /usr/etc", ""},
	{"RUN [\"dnf\", \"-y\", \"install\", \"jq\"]", ""},
	{"COPY motd $WHERE/motd", ""},
	{"RUN tar -C /usr/etc -cf /tmp/etc.tar . && tar --directory /usr/etc -df /tmp/etc.tar", ""},
	{"RUN mkdir -p /mnt/root && chroot /mnt/root mkdir -p /usr/etc", ""},
}

// TestLines checks the rules with lines of real images: half of them break a rule, and
// half of them only look as if they did.
func TestLines(t *testing.T) {
	if len(broken) < 30 || len(sound) < len(broken) {
		t.Errorf("%d lines break a rule, %d do not", len(broken), len(sound))
	}
	for _, l := range slices.Concat(broken, sound) {
		if diff := cmp.Diff(l.want, rulesOf(t, l.text)); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", l.text, diff)
		}
	}
}

// rulesOf returns the rules that the last stage of a Containerfile breaks, each once.
func rulesOf(t *testing.T, text string) string {
	t.Helper()
	if !strings.HasPrefix(text, "FROM") {
		text = "FROM quay.io/fedora/fedora-bootc:43\n" + text
	}
	file, err := dockerfile.Parse([]byte(text + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	build := imagerule.Build{Context: context, Escape: string(file.Escape), Args: file.DefaultArgs(), Stages: file.Stages}
	var rules []string
	for _, p := range build.Check(file.Stages[len(file.Stages)-1]).Found {
		if p.What == "" || p.Advice == "" || p.Line < 2 {
			t.Errorf("%s: %+v", text, p)
		}
		rule := p.Rule
		if p.Fatal {
			rule += "!"
		}
		if !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	slices.Sort(rules)
	return strings.Join(rules, " ")
}

// TestHostileLines checks that no lines take long.
func TestHostileLines(t *testing.T) {
	loop := strings.Repeat("for i in 1 2 3 4 5 6 7 8 9 10; do ", 8) + "touch /opt/$i/$a$b; rm /opt/*/x" + strings.Repeat("; done", 8)
	text := strings.Repeat("RUN "+loop+"\n", 200)
	if got := rulesOf(t, text); got != "bootc/opt" {
		t.Errorf("%q", got)
	}
}

// TestUnjudged checks that what is beyond the limits is said.
func TestUnjudged(t *testing.T) {
	many := fstest.MapFS{}
	for i := range 20_001 {
		many[fmt.Sprintf("tree/etc/%d", i)] = &fstest.MapFile{}
	}
	tests := []struct{ text, want string }{
		{"COPY tree /\n", "files of folders that are copied, beyond the first 20000"},
		{strings.Repeat("RUN a; a; a; a; a; a; a; a; a; a\n", 1990), ""},
		{strings.Repeat("RUN a; a; a; a; a; a; a; a; a; a; a\n", 1990), "commands, beyond the first 20000"},
	}
	for _, tt := range tests {
		f, err := dockerfile.Parse([]byte("FROM quay.io/fedora/fedora-bootc:43\n" + tt.text))
		if err != nil {
			t.Fatal(err)
		}
		report := imagerule.Build{Context: many, Escape: `\`, Stages: f.Stages}.Check(f.Stages...)
		if got := strings.Join(report.Unjudged, "; "); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

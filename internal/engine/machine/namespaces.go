package machine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"bkt/internal/hint"
	"bkt/internal/plainfile"

	"golang.org/x/sys/unix"
)

// ExplainNamespaces adds to the error of a process in new namespaces why the kernel
// refuses them, for which it has several errors.
func ExplainNamespaces(err error) error {
	return rights{os.Geteuid() == 0, hasSysAdmin(), sysctl}.explain(fmt.Errorf("starting in new namespaces: %w", err))
}

// rights decide whether the kernel grants namespaces.
type rights struct {
	root, sysAdmin bool
	sysctl         func(name string) string // the value of a setting, "" if it does not exist
}

// sysctl returns a setting of the kernel, as sysctl(8) does.
func sysctl(name string) string {
	text, _ := plainfile.Read("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), plainfile.MaxText)
	return strings.TrimSpace(string(text))
}

// hasSysAdmin reports whether this process has CAP_SYS_ADMIN.
func hasSysAdmin() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// explain adds a hint to an error of clone(2).
func (r rights) explain(err error) error {
	const elsewhere = "; or build with an engine elsewhere: --engine ADDRESS"
	refused := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL)
	switch {
	case !refused:
		return err
	case r.root && !r.sysAdmin:
		return hint.Add(fmt.Errorf("%w: root does not have the capability CAP_SYS_ADMIN here", err), "start this container with \"--cap-add SYS_ADMIN\", or with --privileged"+elsewhere)
	case r.root:
		return hint.Add(err, "a seccomp filter or a security module may forbid it: start this container with --privileged"+elsewhere)
	}
	for _, s := range []struct{ name, off, on string }{
		{"user.max_user_namespaces", "0", "15000"},
		{"kernel.unprivileged_userns_clone", "0", "1"},             // of Debian
		{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"}, // of Ubuntu
	} {
		if r.sysctl(s.name) == s.off {
			return hint.Add(fmt.Errorf("%w: users may not create user namespaces: %s is %s", err, s.name, s.off), "run \"sudo sysctl %s=%s\"%s", s.name, s.on, elsewhere)
		}
	}
	return hint.Add(err, "a seccomp filter, such as that of a container, or a limit of user namespaces may forbid it: see \"sysctl user.max_user_namespaces\""+elsewhere)
}

// checkPrivileges returns an error if programs that this process starts get no
// privileges, which newuidmap and newgidmap need (PR_SET_NO_NEW_PRIVS(2const)).
func checkPrivileges() error {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil || set == 0 {
		return nil
	}
	return hint.Add(errors.New("newuidmap and newgidmap get no privileges here: this process has no_new_privs"),
		"run bkt outside of what has set it, such as a container with \"--security-opt no-new-privileges\", a service with NoNewPrivileges=yes, or a sandbox")
}

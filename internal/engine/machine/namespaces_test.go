package machine

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/hint"
)

// TestExplain checks that the reason that is known is said, and that nothing is blamed
// that is not so.
func TestExplain(t *testing.T) {
	settings := func(all map[string]string) func(string) string { return func(name string) string { return all[name] } }
	allowed := map[string]string{"user.max_user_namespaces": "63000", "kernel.unprivileged_userns_clone": "1"}
	with := func(name, value string) func(string) string {
		all := map[string]string{name: value}
		for n, v := range allowed {
			if n != name {
				all[n] = v
			}
		}
		return settings(all)
	}
	for name, tt := range map[string]struct {
		err        error
		r          rights
		want, hint string
	}{
		"another error":        {syscall.ENOENT, rights{}, "no such file or directory", ""},
		"root in a container":  {syscall.EPERM, rights{root: true, sysctl: settings(nil)}, "root does not have the capability CAP_SYS_ADMIN here", "--cap-add SYS_ADMIN"},
		"root with all rights": {syscall.EPERM, rights{root: true, sysAdmin: true, sysctl: settings(nil)}, "operation not permitted", "seccomp"},
		"none allowed":         {syscall.ENOSPC, rights{sysctl: with("user.max_user_namespaces", "0")}, "user.max_user_namespaces is 0", `"sudo sysctl user.max_user_namespaces=15000"`},
		"none for users":       {syscall.EPERM, rights{sysctl: with("kernel.unprivileged_userns_clone", "0")}, "kernel.unprivileged_userns_clone is 0", `"sudo sysctl kernel.unprivileged_userns_clone=1"`},
		"AppArmor":             {syscall.EPERM, rights{sysctl: with("kernel.apparmor_restrict_unprivileged_userns", "1")}, "kernel.apparmor_restrict_unprivileged_userns is 1", "kernel.apparmor_restrict_unprivileged_userns=0"},
		"unknown":              {syscall.EPERM, rights{sysctl: settings(allowed)}, "operation not permitted", "may forbid it"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.r.explain(fmt.Errorf("fork/exec: %w", tt.err))
			if hints := strings.Join(hint.Of(err), "\n"); !strings.HasSuffix(err.Error(), tt.want) || !strings.Contains(hints, tt.hint) || (tt.hint == "") != (hints == "") {
				t.Errorf("%v\nhint: %s", err, hints)
			}
		})
	}
}

// TestCheckCount checks how many subordinate ids are enough.
func TestCheckCount(t *testing.T) {
	for _, tt := range []struct {
		ranges []idRange
		want   string
	}{
		{[]idRange{{"100000", "65536"}}, ""},
		{[]idRange{{"100000", "30000"}, {"200000", "35536"}}, ""},
		{[]idRange{{"200000", "1000"}}, "/etc/subuid: me has 1000 ids, and images need 65536"},
		{[]idRange{{"200000", "1000"}, {"300000", "many"}}, ""},
	} {
		err := checkCount("/etc/subuid", tt.ranges, "me")
		if got := fmt.Sprint(err); err == nil && tt.want != "" || err != nil && got != tt.want {
			t.Errorf("%v: %v, not %q", tt.ranges, err, tt.want)
		}
		if err != nil && !strings.Contains(strings.Join(hint.Of(err), ""), "usermod --add-subuids") {
			t.Errorf("hints: %q", hint.Of(err))
		}
	}
}

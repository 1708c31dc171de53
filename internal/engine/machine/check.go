package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
)

// An UnfitError says that an engine cannot run on this machine.
type UnfitError struct{ error }

// Unwrap returns the reason.
func (e *UnfitError) Unwrap() error { return e.error }

// Unfit makes err, or each of joined errors, an [UnfitError].
func Unfit(err error) error {
	errs := hint.Split(err)
	for i, e := range errs {
		errs[i] = &UnfitError{e}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// Check returns what an engine needs on this machine, and whether it exists. path lists
// the folders of programs, in the form of $PATH. It leaves nothing behind.
func Check(path string) []contract.Need {
	runtime, err := findRuntime(path)
	needs := []contract.Need{{Name: "runtime", Found: runtime, Err: err}, checkNamespaces(), checkNetwork(path)}
	if os.Geteuid() == 0 {
		return append(needs, contract.Need{Name: "users", Found: "root needs none mapped"})
	}
	return append(needs, checkMapping(path)...)
}

// checkNetwork returns what the network of build steps needs.
func checkNetwork(path string) contract.Need {
	pasta, err := FindPasta(path)
	if err != nil {
		err = fmt.Errorf("build steps share the network of this machine: %w", err)
	}
	return contract.Need{Name: "network", Found: pasta, Err: err, Optional: true}
}

// checkMapping returns the needs of [findMapping].
func checkMapping(path string) []contract.Need {
	newuidmap, newgidmap, err := findMappers(path)
	needs := []contract.Need{{Name: "mapping", Found: strings.TrimSpace(newuidmap + " " + newgidmap), Err: err}}
	u, err := user.Current()
	if err != nil {
		return append(needs, contract.Need{Name: "users", Err: err})
	}
	for _, file := range []string{subuid, subgid} {
		ranges, err := subordinate(file, u)
		need := contract.Need{Name: file, Found: describe(ranges), Err: err}
		if err == nil {
			// An image whose files belong to a few users can be built all the same.
			need.Err, need.Optional = checkCount(file, ranges, u.Username), true
		}
		needs = append(needs, need)
	}
	return needs
}

// describe returns ranges as text.
func describe(ranges []idRange) string {
	var all []string
	for _, r := range ranges {
		all = append(all, fmt.Sprintf("%s ids from %s", r.count, r.first))
	}
	return strings.Join(all, ", ")
}

// checkNamespaces starts a process that does nothing in namespaces like the
// engine's.
func checkNamespaces() contract.Need {
	cmd := exec.Command("/proc/self/exe", "--version")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: Namespaces()}
	need := contract.Need{Name: "namespaces"}
	if err := cmd.Run(); err != nil {
		need.Err = ExplainNamespaces(err)
		return need
	}
	need.Found = "the kernel grants them"
	return need
}

// Namespaces returns the flags of clone(2) for the namespaces of an engine.
func Namespaces() uintptr {
	flags := uintptr(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID)
	if os.Geteuid() != 0 {
		flags |= syscall.CLONE_NEWUSER
	}
	return flags
}

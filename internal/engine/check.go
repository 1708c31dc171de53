package engine

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

// An unfitError says that an engine cannot run on this machine.
type unfitError struct{ error }

func (e *unfitError) Unwrap() error { return e.error }

// unfit makes err, or each of joined errors, an [unfitError].
func unfit(err error) error {
	errs := hint.Split(err)
	for i, e := range errs {
		errs[i] = &unfitError{e}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// Check returns what an engine needs on this machine, and whether it exists.
// path is where to look for programs, in the form of $PATH. It leaves nothing
// behind.
func Check(path string) []contract.Need {
	runtime, err := findRuntime(path)
	needs := []contract.Need{{Name: "runtime", Found: runtime, Err: err}, checkNamespaces()}
	if os.Geteuid() == 0 {
		return append(needs, contract.Need{Name: "users", Found: "root needs none mapped"})
	}
	return append(needs, checkMapping(path)...)
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
		needs = append(needs, contract.Need{Name: file, Found: describe(ranges), Err: err})
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
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces()}
	need := contract.Need{Name: "namespaces"}
	if err := cmd.Run(); err != nil {
		need.Err = explainNamespaces(err)
		return need
	}
	need.Found = "the kernel grants them"
	return need
}

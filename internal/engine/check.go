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

// unfitError says that the machine, as it is, does not let an engine run.
type unfitError struct{ error }

func (e *unfitError) Unwrap() error { return e.error }

// unfit marks err, or each of joined errors, as one of the machine's.
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

// Check returns what an engine needs of the machine, and whether it is there.
// path is where to look for programs, as in $PATH. Nothing stays of it.
func Check(path string) []contract.Need {
	runtime, err := findRuntime(path)
	needs := []contract.Need{{Name: "runtime", Found: runtime, Err: err}, checkNamespaces()}
	if os.Geteuid() == 0 {
		return append(needs, contract.Need{Name: "users", Found: "root needs none mapped"})
	}
	return append(needs, checkMapping(path)...)
}

// checkMapping is what [findMapping] finds, with its name.
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

// describe says which ids ranges are.
func describe(ranges []idRange) string {
	var all []string
	for _, r := range ranges {
		all = append(all, fmt.Sprintf("%s ids from %s", r.count, r.first))
	}
	return strings.Join(all, ", ")
}

// checkNamespaces starts a process in namespaces such as the engine's, which
// does nothing there.
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

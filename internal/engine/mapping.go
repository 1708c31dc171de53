package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/hint"
)

// mapping says which users and groups a normal user's engine may use: the user
// is root in it, and the ranges that the administrator gave them follow from 1.
type mapping struct {
	newuidmap, newgidmap string // programs
	uids, gids           []idRange
}

type idRange struct{ first, count string }

func findMapping(path string) (mapping, error) {
	var m mapping
	var missing error
	m.newuidmap, m.newgidmap, missing = findMappers(path)
	u, err := user.Current()
	if err != nil {
		return m, errors.Join(missing, err)
	}
	m.uids, err = subordinate(subuid, u)
	missing = errors.Join(missing, err)
	m.gids, err = subordinate(subgid, u)
	return m, errors.Join(missing, err)
}

// findMappers finds the programs that give a namespace its users and groups.
func findMappers(path string) (newuidmap, newgidmap string, err error) {
	newuidmap, ok1 := lookPath(path, "newuidmap")
	newgidmap, ok2 := lookPath(path, "newgidmap")
	if !ok1 || !ok2 {
		err = hint.Add(errors.New("newuidmap or newgidmap is not installed"),
			"install them: \"apt install uidmap\" or \"dnf install shadow-utils\"")
	}
	return newuidmap, newgidmap, err
}

// The files that say which subordinate ids users have.
const (
	subuid = "/etc/subuid"
	subgid = "/etc/subgid"
)

// subordinate returns the ranges that file gives to u.
func subordinate(file string, u *user.User) ([]idRange, error) {
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ranges := parseSubordinate(string(data), u.Username, u.Uid)
	if len(ranges) == 0 {
		first := firstFree()
		last := first + subordinates - 1
		return nil, hint.Add(fmt.Errorf("%s: no line for %s", file, u.Username),
			"run \"sudo usermod --add-subuids %d-%d --add-subgids %d-%d %s\"", first, last, first, last, u.Username)
	}
	return ranges, nil
}

// subordinates is how many ids a user usually gets, and firstUsual the lowest
// that are handed out.
const (
	subordinates = 65536
	firstUsual   = 100000
)

// firstFree returns the first id above all that any user has: two users with
// the same ones could read each other's containers.
func firstFree() int {
	free := firstUsual
	for _, file := range []string{subuid, subgid} {
		data, _ := os.ReadFile(file) // one that is not there hands out none
		for line := range strings.Lines(string(data)) {
			f := strings.Split(strings.TrimSpace(line), ":")
			if len(f) != 3 {
				continue
			}
			first, _ := strconv.Atoi(f[1])
			count, _ := strconv.Atoi(f[2])
			free = max(free, first+count)
		}
	}
	return free
}

// parseSubordinate picks the lines of a subuid file that are for a user, who
// may go by name or by number.
func parseSubordinate(text, name, uid string) []idRange {
	var ranges []idRange
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 3 && (f[0] == name || f[0] == uid) {
			ranges = append(ranges, idRange{f[1], f[2]})
		}
	}
	return slices.Compact(ranges)
}

// apply gives the process pid, which has just entered a user namespace, its
// users and groups.
func (m mapping) apply(pid int) error {
	err := runMap(m.newuidmap, pid, os.Geteuid(), m.uids)
	if err != nil {
		return err
	}
	return runMap(m.newgidmap, pid, os.Getegid(), m.gids)
}

func runMap(program string, pid, own int, ranges []idRange) error {
	args := []string{strconv.Itoa(pid), "0", strconv.Itoa(own), "1"}
	next := 1
	for _, r := range ranges {
		count, err := strconv.Atoi(r.count)
		if err != nil {
			return fmt.Errorf("cannot parse the number of subordinate ids %q", r.count)
		}
		args = append(args, strconv.Itoa(next), r.first, r.count)
		next += count
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

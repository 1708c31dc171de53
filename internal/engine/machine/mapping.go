package machine

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
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// A mapping has the ids of users and groups in the engine of a normal user: the
// user is root in it, and the user's subordinate ids follow from 1.
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

// findMappers finds the programs that set the users and groups of a namespace.
func findMappers(path string) (newuidmap, newgidmap string, err error) {
	newuidmap, ok1 := lookPath(path, "newuidmap")
	newgidmap, ok2 := lookPath(path, "newgidmap")
	if !ok1 || !ok2 {
		err = hint.Add(errors.New("newuidmap or newgidmap is not installed"),
			"install them: \"apt install uidmap\" or \"dnf install shadow-utils\"")
	}
	if err == nil {
		err = checkPrivileges()
	}
	return newuidmap, newgidmap, err
}

// The files with the subordinate ids of users.
const (
	subuid = "/etc/subuid"
	subgid = "/etc/subgid"
)

// subordinate returns the ranges of u in file.
func subordinate(file string, u *user.User) ([]idRange, error) {
	data, err := plainfile.Read(file, plainfile.MaxText)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, patherr.TrimOp(err)
	}
	ranges := parseSubordinate(string(data), u.Username, u.Uid)
	if len(ranges) == 0 {
		return nil, withFree(fmt.Errorf("%s: no line for %s", file, u.Username), u.Username, subuid, subgid)
	}
	return ranges, nil
}

// withFree adds the command that gives a user ids that are free in files, or
// says that the free ids are unknown: two users with the same ids could read
// each other's containers.
func withFree(err error, name string, files ...string) error {
	first, unknown := firstFree(files...)
	if unknown != nil {
		return hint.Add(err, "give %s %d ids of each kind that no other user has with \"usermod --add-subuids --add-subgids\"; the free ids are unknown: %v", name, subordinates, unknown)
	}
	last := first + subordinates - 1
	return hint.Add(err, "run \"sudo usermod --add-subuids %d-%d --add-subgids %d-%d %s\"", first, last, first, last, name)
}

// checkCount returns an error for fewer ids than images need: a file cannot belong to an
// id that the engine does not have, and the highest usual one is that of nobody, 65534.
func checkCount(file string, ranges []idRange, name string) error {
	sum := 0
	for _, r := range ranges {
		count, err := strconv.Atoi(r.count)
		if err != nil {
			return nil // newuidmap will say so
		}
		sum += count
	}
	if sum >= subordinates {
		return nil
	}
	return withFree(fmt.Errorf("%s: %s has %d ids, and images need %d", file, name, sum, subordinates), name, subuid, subgid)
}

// subordinates is the usual number of ids of a user, and firstUsual the lowest
// of them.
const (
	subordinates = 65536
	firstUsual   = 100000
)

// firstFree returns the first id above all ids in files. A missing file has
// none; a file that cannot be read is an error.
func firstFree(files ...string) (int, error) {
	free := firstUsual
	for _, file := range files {
		data, err := plainfile.Read(file, plainfile.MaxText)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, patherr.TrimOp(err)
		}
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			end, err := endOf(line)
			if err != nil {
				return 0, fmt.Errorf("%s: %q: %w", file, line, err)
			}
			free = max(free, end)
		}
	}
	return free, nil
}

// endOf returns the id after the ids of a line.
func endOf(line string) (int, error) {
	f := strings.Split(line, ":")
	if len(f) != 3 {
		return 0, errors.New("not NAME:FIRST:COUNT")
	}
	first, err := strconv.Atoi(f[1])
	count, errCount := strconv.Atoi(f[2])
	return first + count, errors.Join(err, errCount)
}

// parseSubordinate returns the ranges of a user, by name or number, in a subuid
// file.
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

// apply sets the users and groups of the process pid, which has just entered a user
// namespace.
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

package main_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/engine/contract"
)

// A tenant has a world whose engine uses one snapshotter, for one user. Its disk usage
// is measured by du(1), not by the engine.
type tenant struct {
	world
	user        *user.User // nil: the user who runs the test
	snapshotter string
	data        int // bytes in an image
}

const (
	// slack is the size of logs and databases that are written between two
	// measurements.
	slack = 256 << 10
	// empty is the most that an engine without a cache takes: databases.
	empty = 1 << 20
)

// TestDisk checks that engines report their disk usage correctly, and that they free
// disk space. With BKT_TEST_FULL=1, images are ten times as large.
func TestDisk(t *testing.T) {
	data := 6_000_000
	if os.Getenv("BKT_TEST_FULL") != "" {
		data *= 10
	}
	for _, who := range []string{"self", "user"} {
		for _, snapshotter := range []string{contract.Overlay, contract.Native} {
			t.Run(who+"/"+snapshotter, func(t *testing.T) {
				t.Parallel() // they wait for the disk much of the time
				d := tenant{snapshotter: snapshotter, data: data}
				if who == "user" {
					d.user = needUser(t)
				}
				t.Run("prune", func(t *testing.T) { d.moveIn(t).testPrune(t) })
				t.Run("left over", func(t *testing.T) { d.moveIn(t).testLeftOver(t) })
				t.Run("limit", func(t *testing.T) { d.moveIn(t).testLimit(t) })
				t.Run("room", func(t *testing.T) { d.moveIn(t).testRoom(t) })
			})
		}
	}
}

// moveIn returns the tenant with a new world.
func (d tenant) moveIn(t *testing.T) tenant {
	d.world = newWorld(t)
	if d.user != nil {
		d.give(t, d.user)
	}
	return d
}

func (d tenant) start(t *testing.T, args ...string) {
	t.Helper()
	d.serve(t, d.user, append(args, "--snapshotter", d.snapshotter)...)
}

// command returns a process that does an errand as the tenant.
func (d tenant) command(t *testing.T, errand string) *exec.Cmd {
	t.Helper()
	cmd := d.clientCommand(t)
	if d.user != nil {
		// Not all of the world: the engine's root has files of several users.
		d.own(t, filepath.Join(d.Dir, "world.json"))
		d.become(t, d.user, cmd)
	}
	cmd.Env = append(cmd.Env, errandEnv+"="+errand)
	return cmd
}

func (d tenant) own(t *testing.T, file string) {
	t.Helper()
	if d.user == nil {
		return
	}
	c := credential(t, d.user)
	if err := os.Lchown(file, int(c.Uid), int(c.Gid)); err != nil {
		t.Fatal(err)
	}
}

// ask runs an errand and returns its result.
func (d tenant) ask(t *testing.T, errand string) answer {
	t.Helper()
	out, err := d.command(t, errand).Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", errand, err, out)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%s: %v: %s", errand, err, out)
	}
	return a
}

// image selects the image that is built next. No two images have anything in common.
func (d tenant) image(t *testing.T, number int, steps ...string) {
	t.Helper()
	data := make([]byte, d.data)
	rand.Read(data)
	d.write(t, "context/data", string(data))
	d.containerfile(t, append([]string{fmt.Sprintf("COPY data /data-%d", number)}, steps...)...)
	for _, name := range []string{"data", "Containerfile"} {
		d.own(t, filepath.Join(d.Dir, "context", name))
	}
}

func (d tenant) mustBuildImage(t *testing.T, number int) {
	t.Helper()
	d.image(t, number)
	if out, err := d.command(t, "build").CombinedOutput(); err != nil {
		t.Fatalf("image %d: %v: %s", number, err, out)
	}
}

// wait starts a build of an image that runs until end sends its step a signal. end
// returns the error of the build.
func (d tenant) wait(t *testing.T, number int) (end func(syscall.Signal) error, marker string) {
	t.Helper()
	marker = fmt.Sprintf("marker-%s-%d", filepath.Base(d.Dir), number)
	d.image(t, number, `RUN ["/init", "wait", "`+marker+`"]`)
	cmd := d.command(t, "build")
	log := watchFor("waiting")
	cmd.Stdout = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	log.await(t)
	return func(s syscall.Signal) error {
		for _, pid := range processes("cmdline", "/init\x00wait\x00"+marker) {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			_ = syscall.Kill(n, s) // it may have ended
		}
		return result(t, done)
	}, marker
}

// du returns the engine's disk usage.
func (d tenant) du(t *testing.T) int64 {
	t.Helper()
	out, err := exec.Command("du", "-s", "--block-size=1", d.config().Root).Output()
	text, _, _ := strings.Cut(string(out), "\t")
	n, errParse := strconv.ParseInt(text, 10, 64)
	// du fails if files are removed while it reads their folders.
	if errParse != nil {
		t.Fatalf("du: %v, %v", err, errParse)
	}
	return n
}

// checkStatus waits until the engine's status and du(1) report the same disk usage,
// and returns the status: the engine may still be deleting what it no longer needs
// between the two looks.
func (d tenant) checkStatus(t *testing.T) answer {
	t.Helper()
	var a answer
	eventually(t, "status reports what is on disk", func() bool {
		a = d.ask(t, "status")
		return near(a.Engine.Disk.Size, d.du(t))
	})
	return a
}

// near reports whether two sizes differ by slack at most.
func near(a, b int64) bool { return max(a, b)-min(a, b) <= slack }

// awaitIdle waits until no build uses the cache: the engine answers the client
// of a build shortly before it releases the records of that build.
func (d tenant) awaitIdle(t *testing.T) {
	t.Helper()
	eventually(t, "no build uses the cache", func() bool {
		return d.ask(t, "status").Engine.Disk.InUse == 0
	})
}

// checkPrune prunes, and compares the result with du.
func (d tenant) checkPrune(t *testing.T) answer {
	t.Helper()
	before := d.du(t)
	a := d.ask(t, "prune")
	after := d.du(t)
	t.Logf("prune: du says %d and then %d", before, after)
	if !near(a.Freed, before-after) || !near(a.Left.Size, after) {
		t.Errorf("prune says %+v", a)
	}
	return a
}

func (d tenant) checkEmpty(t *testing.T, when string) {
	t.Helper()
	if du := d.du(t); du > empty {
		t.Errorf("%s, %d bytes are left:\n%s", when, du, d.largest())
	}
}

// largest lists the largest files and folders.
func (d tenant) largest() string {
	out, _ := exec.Command("sh", "-c", "du -a "+d.config().Root+" | sort -rn | head -20").Output()
	return string(out)
}

// testPrune prunes without a build, during a build, and after it.
func (d tenant) testPrune(t *testing.T) {
	d.start(t)
	d.mustBuildImage(t, 1)
	d.awaitIdle(t)
	disk := d.checkStatus(t).Engine.Disk
	if disk.Size < int64(d.data) || disk.InUse != 0 {
		t.Errorf("status with an image of %d bytes: %+v", d.data, disk)
	}
	if a := d.checkPrune(t); !near(a.Freed, disk.Reclaimable) {
		t.Errorf("prune freed %d bytes, and %d were to be freed", a.Freed, disk.Reclaimable)
	}
	d.checkEmpty(t, "after a prune")

	d.mustBuildImage(t, 2)
	d.awaitIdle(t)
	end, _ := d.wait(t, 3)
	disk = d.checkStatus(t).Engine.Disk
	if disk.InUse < int64(d.data) || disk.Reclaimable < int64(d.data) {
		t.Errorf("status in a build: %+v", disk)
	}
	if a := d.checkPrune(t); a.Freed < int64(d.data) || a.Left.InUse < int64(d.data) {
		t.Errorf("prune in a build: %+v", a)
	}
	if err := end(syscall.SIGTERM); err != nil {
		t.Errorf("the build that was pruned: %v", err)
	}
	d.awaitIdle(t)
	d.checkPrune(t)
	d.checkEmpty(t, "after builds and prunes")
}

// testLeftOver checks that an engine removes what earlier ones have left behind.
func (d tenant) testLeftOver(t *testing.T) {
	d.start(t)
	d.mustBuildImage(t, 1)
	d.ask(t, "stop")
	if a := d.checkStatus(t); a.Engine.Disk.Unreadable != 0 {
		t.Errorf("status without an engine: %+v", a.Engine.Disk)
	}
	d.checkUnreadable(t)
	left := d.leave(t)
	d.start(t)
	eventually(t, "what was left over is removed", func() bool {
		for _, file := range left {
			if _, err := os.Lstat(file); err == nil {
				return false
			}
		}
		return near(d.ask(t, "status").Engine.Disk.Size, d.du(t))
	})

	// The cache still works.
	out, err := d.command(t, "build").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "CACHED") {
		t.Errorf("a build like that before: %v: %s", err, out)
	}

	end, marker := d.wait(t, 2)
	state, err := contract.ReadState(d.config().Root)
	if err == nil {
		err = syscall.Kill(state.PID, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := end(syscall.SIGKILL); err == nil {
		t.Error("the build ended well without an engine")
	}
	d.awaitNothingLeft(t, marker)
	d.start(t)
	d.mustBuildImage(t, 3)
	eventually(t, "what the killed engine has left is removed", func() bool {
		_, err := os.Lstat(filepath.Join(d.config().Root, "trash"))
		return errors.Is(err, os.ErrNotExist)
	})
	d.awaitIdle(t)
	d.checkStatus(t)
	d.checkPrune(t)
	d.checkEmpty(t, "after a kill and a prune")
}

// checkUnreadable checks that status counts the folders that the tenant may not read.
func (d tenant) checkUnreadable(t *testing.T) {
	t.Helper()
	if d.user == nil {
		return
	}
	private := filepath.Join(d.config().Root, "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	if a := d.ask(t, "status"); a.Engine.Disk.Unreadable != 1 {
		t.Errorf("status with a folder that cannot be read: %+v", a.Engine.Disk)
	}
	if err := os.Remove(private); err != nil {
		t.Fatal(err)
	}
}

// leave creates folders like those that a killed engine, or one with another
// snapshotter, leaves behind. It returns their names.
func (d tenant) leave(t *testing.T) []string {
	t.Helper()
	other := contract.Native
	if d.snapshotter == other {
		other = contract.Overlay
	}
	folders := filepath.Join(contract.WorkerDir(d.config().Root, d.snapshotter), "snapshots", "snapshots")
	left := []string{
		filepath.Join(folders, "new-123"),
		filepath.Join(folders, "rm-5"),
		filepath.Join(folders, "1000"),
		contract.WorkerDir(d.config().Root, other),
		filepath.Join(d.config().Root, "trash"),
	}
	for _, dir := range left {
		for sub := filepath.Join(dir, "fs"); ; sub = filepath.Dir(sub) {
			if err := os.MkdirAll(sub, 0o700); err != nil {
				t.Fatal(err)
			}
			d.own(t, sub)
			if sub == dir {
				break
			}
		}
		file := filepath.Join(dir, "fs", "file")
		if err := os.WriteFile(file, make([]byte, d.data), 0o400); err != nil {
			t.Fatal(err)
		}
		d.own(t, file)
	}
	return left
}

// testLimit builds more than the limit allows, and then does nothing.
func (d tenant) testLimit(t *testing.T) {
	limit := int64(d.data) * 10 / 6
	d.buildAbove(t, limit)
	eventually(t, "what status says is on disk", func() bool {
		return near(d.ask(t, "status").Engine.Disk.Size, d.du(t)) // it may still be at work
	})
}

// testRoom builds more than a limit allows that has room for one image. The cache must
// have the last image.
func (d tenant) testRoom(t *testing.T) {
	d.buildAbove(t, int64(d.data)*8)
	out, err := d.command(t, "build").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "CACHED") {
		t.Errorf("the last image again: %v: %s", err, out)
	}
}

// buildAbove builds five images and waits until the disk is down to the limit.
func (d tenant) buildAbove(t *testing.T, limit int64) {
	t.Helper()
	d.start(t, "--keep-bytes", strconv.FormatInt(limit, 10))
	for i := range 5 {
		d.mustBuildImage(t, i)
	}
	before := d.du(t)
	eventually(t, fmt.Sprintf("at most %d bytes on disk", limit), func() bool { return d.du(t) <= limit })
	t.Logf("limit %d: du says %d and then %d", limit, before, d.du(t))
}

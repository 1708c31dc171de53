package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/testkit"

	"golang.org/x/sys/unix"
)

// buildWithNetwork builds after it has asked for w.Network. It prints each status.
func (w world) buildWithNetwork(ctx context.Context, log io.Writer) error {
	if w.Network != nil {
		c, err := engineclient.Connect(ctx, w.config(), func(string) {})
		if err != nil {
			return err
		}
		defer c.Close()
		n, err := c.OpenNetwork(ctx, *w.Network, func(s contract.NetworkStatus) {
			fmt.Fprintf(log, "network %s: %v %q\n", s.Network, s.Why(), hint.Of(s.Why()))
		})
		if err != nil {
			return err
		}
		defer n.Close()
	}
	_, err := w.build(ctx, log)
	return err
}

// A machine is a network and a mount namespace of its own, with an engine in it. Its
// addresses are those for documentation. Only the goroutine of its test is in it.
type machine struct {
	world
	user *user.User // of the engine; nil: root

	allowed, other   int // TCP ports of 127.0.0.1
	allowed6, other6 int // of ::1, too
	udp, udp6        int
	abstract         string // unix socket
	outside          int    // TCP port of an address that is not the loopback interface's
}

// otherMachine is an address that steps reach. The machine itself has it.
const otherMachine = "198.51.100.1"

// newMachine returns a machine without an engine.
func newMachine(t *testing.T) *machine {
	t.Helper()
	testkit.NeedRoot(t, "make network namespaces")
	testkit.Need(t, "ip", "pasta")
	m := &machine{world: newWorld(t)}
	runtime.LockOSThread() // without an unlock, the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		t.Fatal(err)
	}
	m.ip(t, "link set lo up", "addr add "+otherMachine+"/32 dev lo")
	m.mountTun(t)
	m.mount(t, "/etc/resolv.conf", "nameserver 127.0.0.53\nsearch example.test\n")
	m.listen(t)
	return m
}

// ip runs commands of ip(8).
func (m *machine) ip(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", c, err, out)
		}
	}
}

// connect gives the machine a default route, which leads nowhere.
func (m *machine) connect(t *testing.T) {
	t.Helper()
	m.ip(t, "link add v0 type veth peer name v1", "addr add 192.0.2.1/24 dev v0", "link set v1 up", "link set v0 up",
		"neigh add 192.0.2.254 lladdr 02:00:00:00:00:01 dev v0", "route add default via 192.0.2.254")
}

// mountTun lets every user open /dev/net/tun, as udev does.
func (m *machine) mountTun(t *testing.T) {
	t.Helper()
	node := filepath.Join(m.Dir, "tun")
	if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(node, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(node, "/dev/net/tun", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}

// mount mounts a file with a text on another.
func (m *machine) mount(t *testing.T, on, text string) {
	t.Helper()
	m.write(t, "mounted", text)
	if err := unix.Mount(filepath.Join(m.Dir, "mounted"), on, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}

// listen starts the servers.
func (m *machine) listen(t *testing.T) {
	t.Helper()
	m.allowed, m.other = m.answerTCP(t, "127.0.0.1:0"), m.answerTCP(t, "127.0.0.1:0")
	m.allowed6 = m.answerTCP(t, "[::1]:0")
	m.answerTCP(t, "127.0.0.1:"+strconv.Itoa(m.allowed6))
	m.other6 = m.answerTCP(t, "[::1]:0")
	m.udp, m.udp6 = m.answerUDP(t, "127.0.0.1:0"), m.answerUDP(t, "[::1]:0")
	m.answerUDP(t, "127.0.0.53:53")
	m.outside = m.answerTCP(t, otherMachine+":0")
	m.abstract = "@" + filepath.Base(m.Dir)
	l, err := net.Listen("unix", m.abstract)
	if err != nil {
		t.Fatal(err)
	}
	respond(t, l)
}

// answerTCP answers at an address, and returns the port.
func (m *machine) answerTCP(t *testing.T, address string) int {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	respond(t, l)
	return l.Addr().(*net.TCPAddr).Port
}

// respond answers each connection.
func respond(t *testing.T, l net.Listener) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
}

// answerUDP answers at an address, and returns the port.
func (m *machine) answerUDP(t *testing.T, address string) int {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(packet)
			if err != nil {
				return
			}
			c.WriteTo(packet[:n], from)
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// start starts the engine.
func (m *machine) start(t *testing.T, u *user.User) {
	t.Helper()
	m.user = u
	if u != nil {
		m.give(t, u)
	}
	m.serve(t, u)
}

// run builds an image with steps, as the user of the engine, and returns the progress.
func (m *machine) run(t *testing.T, steps ...string) string {
	t.Helper()
	m.containerfile(t, steps...)
	cmd := m.clientCommand(t)
	if m.user != nil {
		m.become(t, m.user, cmd)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// reach returns a step that tries addresses. id makes it differ from others in the cache.
func reach(id string, targets ...string) string {
	return `RUN ["/init", "reach", "` + strings.Join(append([]string{"unix:@" + id}, targets...), `", "`) + `"]`
}

// everything returns all addresses of the machine that answer itself, and the names of
// those that a step with its own network reaches.
func (m *machine) everything() (all []string) {
	for _, host := range []string{"127.0.0.1", "gateway", "192.0.2.1"} {
		for _, port := range []int{m.allowed, m.other} {
			all = append(all, fmt.Sprintf("tcp:%s:%d", host, port))
		}
		all = append(all, fmt.Sprintf("udp:%s:%d", host, m.udp))
	}
	for _, port := range []int{m.allowed6, m.other6} {
		all = append(all, fmt.Sprintf("tcp:[::1]:%d", port))
	}
	return append(all, fmt.Sprintf("udp:[::1]:%d", m.udp6), "unix:"+m.abstract,
		fmt.Sprintf("tcp:%s:%d", otherMachine, m.outside), "udp:nameserver:53")
}

var reached = regexp.MustCompile(`reach (\S+) yes`)

// expectReached checks which addresses a step reached.
func expectReached(t *testing.T, log string, want ...string) {
	t.Helper()
	got := map[string]bool{}
	for _, found := range reached.FindAllStringSubmatch(log, -1) {
		got[found[1]] = true
	}
	slices.Sort(want)
	if have := slices.Sorted(maps.Keys(got)); !slices.Equal(have, want) {
		t.Errorf("reached %q, want %q:\n%s", have, want, log)
	}
}

// asEach runs a test with an engine of root and with one of a user.
func asEach(t *testing.T, f func(*testing.T, *machine, *user.User)) {
	t.Run("root", func(t *testing.T) { f(t, newMachine(t), nil) })
	t.Run("user", func(t *testing.T) {
		u := needUser(t)
		f(t, newMachine(t), u)
	})
}

// TestStepsHaveTheirOwnNetwork checks that steps reach other machines, the name server
// and the ports that their client has asked for, and nothing else of this machine.
func TestStepsHaveTheirOwnNetwork(t *testing.T) {
	asEach(t, func(t *testing.T, m *machine, u *user.User) {
		m.connect(t)
		m.start(t, u)
		m.Network = &contract.NetworkRequest{Network: contract.OwnNetwork, Ports: []int{m.allowed, m.allowed6}}
		log := m.run(t, reach("first", m.everything()...))
		if !strings.Contains(log, "network own: <nil>") {
			t.Errorf("no status in\n%s", log)
		}
		other, names := fmt.Sprintf("tcp:%s:%d", otherMachine, m.outside), "udp:nameserver:53"
		expectReached(t, log, other, names,
			fmt.Sprintf("tcp:127.0.0.1:%d", m.allowed), fmt.Sprintf("tcp:[::1]:%d", m.allowed6))

		// The ports are closed when their client has ended.
		m.Network.Ports = nil
		log = m.run(t, reach("second", other, fmt.Sprintf("tcp:127.0.0.1:%d", m.allowed)))
		expectReached(t, log, other)

		// The same addresses answer in the network of this machine.
		m.Network, m.Steps = nil, buildkit.HostNetwork
		log = m.run(t, reach("third", m.everything()...))
		expectReached(t, log, slices.DeleteFunc(m.everything(), func(target string) bool {
			return strings.Contains(target, "gateway") || strings.Contains(target, "192.0.2.1")
		})...)
	})
}

// TestDeadPastaIsReplaced checks that a build has a network again.
func TestDeadPastaIsReplaced(t *testing.T) {
	asEach(t, func(t *testing.T, m *machine, u *user.User) {
		m.connect(t)
		m.start(t, u)
		m.Network = &contract.NetworkRequest{Network: contract.OwnNetwork, Ports: []int{m.allowed}}
		want := []string{fmt.Sprintf("tcp:127.0.0.1:%d", m.allowed), fmt.Sprintf("tcp:%s:%d", otherMachine, m.outside)}
		expectReached(t, m.run(t, reach("before", want...)), want...)
		pasta := m.pasta(t)
		if err := syscall.Kill(pasta, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		awaitEnd(t, pasta)
		expectReached(t, m.run(t, reach("after", want...)), want...)
	})
}

// TestKilledEngineLeavesNoNetwork checks that pasta ends with the engine.
func TestKilledEngineLeavesNoNetwork(t *testing.T) {
	asEach(t, func(t *testing.T, m *machine, u *user.User) {
		m.connect(t)
		m.start(t, u)
		m.Network = &contract.NetworkRequest{Network: contract.OwnNetwork}
		m.run(t, reach("it"))
		pasta := m.pasta(t)
		state, err := contract.ReadState(m.config().Root)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(state.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		awaitEnd(t, pasta)
		m.awaitNothingLeft(t, "bkt-own")
	})
}

// pasta returns the process that connects the network of steps.
func (m *machine) pasta(t *testing.T) int {
	t.Helper()
	parent := "\nPPid:\t" + strconv.Itoa(innerPID(t, m.world)) + "\n"
	for _, pid := range processes("status", parent) {
		line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
		if err == nil && bytes.Contains(line, []byte("--dns-forward")) {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no pasta runs")
	return 0
}

// awaitEnd waits until a process has ended; its parent may not have noticed.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "the process has ended", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return err != nil || bytes.Contains(status, []byte("\nState:\tZ"))
	})
}

// TestWithoutPasta checks that steps get the network of this machine, and that their
// client learns why; and that they can have one that is closed instead.
func TestWithoutPasta(t *testing.T) {
	m := newMachine(t)
	m.connect(t)
	bin := filepath.Join(m.Dir, "only", "programs") // not "bin", next to which bkt looks for sbin
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(runc, filepath.Join(bin, "runc")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	m.start(t, nil)
	allowed, other := fmt.Sprintf("tcp:127.0.0.1:%d", m.allowed), fmt.Sprintf("tcp:127.0.0.1:%d", m.other)
	m.Network = &contract.NetworkRequest{Network: contract.OwnNetwork, Ports: []int{m.allowed}}
	log := m.run(t, reach("host", allowed, other))
	expectReached(t, log, allowed, other)
	if want := `network host: pasta is not installed ["install passt: \"apt install passt\" or \"dnf install passt\""]`; !strings.Contains(log, want) {
		t.Errorf("no %q in\n%s", want, log)
	}
	m.Network = &contract.NetworkRequest{Network: contract.ClosedNetwork, Ports: []int{m.allowed}}
	none := func(id string) string {
		return strings.Replace(reach(id, m.everything()...), "RUN ", "RUN --network=none ", 1)
	}
	log = m.run(t, none("closed"))
	expectReached(t, log, allowed)
	if want := "network closed: <nil>"; !strings.Contains(log, want) {
		t.Errorf("no %q in\n%s", want, log)
	}
	m.Network = nil
	expectReached(t, m.run(t, none("none")))
}

// TestPastaThatFails checks that a client learns of a failure that comes with the first
// step.
func TestPastaThatFails(t *testing.T) {
	m := newMachine(t)
	m.connect(t)
	m.write(t, "programs/pasta", "#!/bin/sh\necho 'No such luck' >&2\nexit 1\n")
	if err := os.Chmod(filepath.Join(m.Dir, "programs/pasta"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(m.Dir, "programs")+":"+os.Getenv("PATH"))
	m.start(t, nil)
	m.Network = &contract.NetworkRequest{Network: contract.OwnNetwork}
	other := fmt.Sprintf("tcp:127.0.0.1:%d", m.other)
	log := m.run(t, reach("host", other))
	expectReached(t, log, other)
	if want := "network host: pasta does not start: No such luck"; !strings.Contains(log, want) {
		t.Errorf("no %q in\n%s", want, log)
	}
}

// TestNoDefaultRoute checks that a build without a network is none that fails.
func TestNoDefaultRoute(t *testing.T) {
	m := newMachine(t)
	m.start(t, nil)
	m.Network = &contract.NetworkRequest{Network: contract.OwnNetwork, Ports: []int{m.allowed}}
	log := m.run(t, reach("alone", m.everything()...))
	expectReached(t, log, fmt.Sprintf("tcp:127.0.0.1:%d", m.allowed))
	if want := "network closed: this machine has no default route"; !strings.Contains(log, want) {
		t.Errorf("no %q in\n%s", want, log)
	}
}

// TestHostNetworkNeedsAnEntitlement checks that a Containerfile alone does not get the
// network of this machine.
func TestHostNetworkNeedsAnEntitlement(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN --network=host ["/init", "write", "/etc/made", "x"]`)
	_, err := w.build(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "network.host") {
		t.Errorf("error is %v", err)
	}
}

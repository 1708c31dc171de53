package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bkt/internal/hint"
)

// NameServer is the address at which a connected namespace reaches the name server of
// this machine, even one on the loopback interface.
const NameServer = "169.254.1.1"

// startTimeout is the time for pasta to start.
const startTimeout = 20 * time.Second

// A Connection is a pasta(1) that connects a namespace with other machines.
type Connection struct {
	process *os.Process
	ended   chan struct{}
}

// Connect runs pasta, the program at a path, for n, and returns when the namespace is
// connected. Processes in n then reach what this machine reaches, but not its loopback
// interface. The caller must be the first process of a pid namespace.
func Connect(pasta string, n *Namespace) (*Connection, error) {
	dir, err := os.MkdirTemp("/tmp", "bkt-pasta-") // AppArmor's profile lets pasta write there
	if err != nil {
		dir, err = os.MkdirTemp("", "bkt-pasta-")
	}
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	pidFile := filepath.Join(dir, "pid")
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, pasta, arguments(n.File, pidFile)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	// pasta ends when it is connected; its child, which has the number in the file,
	// does the work, and becomes a child of this process.
	if err := cmd.Run(); err != nil {
		return nil, explain(ctx, err, stderr.String())
	}
	pid, err := readPID(pidFile)
	if err != nil {
		return nil, err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	c := &Connection{process, make(chan struct{})}
	go func() { _, _ = process.Wait(); close(c.ended) }()
	return c, nil
}

// arguments returns those of pasta for the namespace mounted on file. Each of the first
// five closes another way to the loopback interface: by the address of the gateway, and
// by ports of either side, whose default is all that a program listens on.
func arguments(file, pidFile string) []string {
	args := []string{
		"--no-map-gw", "-t", "none", "-u", "none", "-T", "none", "-U", "none",
		"--config-net", "--dns-forward", NameServer,
		"--netns", file, "--no-netns-quit",
		"--quiet", "--pid", pidFile,
	}
	if os.Geteuid() == 0 && isInitialUserNamespace() {
		// As nobody, which it becomes otherwise, it cannot open the namespace.
		args = append(args, "--runas", "0:0")
	}
	return args
}

// isInitialUserNamespace reports whether users are not mapped. See user_namespaces(7).
func isInitialUserNamespace() bool {
	data, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(data)), " ") == "0 0 4294967295"
}

func readPID(file string) (int, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0, fmt.Errorf("the process number of pasta: %w", err)
	}
	return pid, nil
}

// explain returns why pasta did not start. Its own reason is the last line of its output.
func explain(ctx context.Context, err error, stderr string) error {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	switch last := lines[len(lines)-1]; {
	case ctx.Err() != nil:
		err = fmt.Errorf("pasta does not start within %v", startTimeout)
	case last != "":
		err = errors.New("pasta does not start: " + strings.TrimPrefix(last, "pasta: "))
	default:
		err = fmt.Errorf("pasta does not start: %w", err)
	}
	return hint.Add(err, "pasta needs access to /dev/net/tun; AppArmor or SELinux may also refuse it something: see \"journalctl --grep=pasta\"")
}

// Alive reports whether pasta still runs.
func (c *Connection) Alive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// Close ends pasta.
func (c *Connection) Close() error {
	err := c.process.Kill()
	<-c.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// HasDefaultRoute reports whether this machine reaches others. Without a default route,
// pasta does not start or connects nothing. See proc_net_route(5) for the first
// file; a line of the second begins with the destination and the length of its
// prefix, and ends with the flags and the interface.
func HasDefaultRoute() bool {
	return anyLine("/proc/thread-self/net/route", func(f []string) bool {
		return len(f) > 7 && f[1] == "00000000" && f[7] == "00000000" && isUsable(f[3])
	}) || anyLine("/proc/thread-self/net/ipv6_route", func(f []string) bool {
		return len(f) == 10 && strings.Trim(f[0], "0") == "" && f[1] == "00" && f[9] != "lo" && isUsable(f[8])
	})
}

// isUsable reports whether the flags of a route, in hexadecimal, have RTF_UP and not
// RTF_REJECT, of linux/route.h.
func isUsable(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&0x1 != 0 && n&0x200 == 0
}

// anyLine reports whether the fields of a line of file fulfil a condition.
func anyLine(file string, is func(fields []string) bool) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false // without this version of IP
	}
	for line := range strings.Lines(string(data)) {
		if is(strings.Fields(line)) {
			return true
		}
	}
	return false
}

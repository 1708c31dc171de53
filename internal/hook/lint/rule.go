package lint

import (
	"slices"
	"sync"

	"bkt/internal/finding"
	"bkt/internal/hook"
)

// A Rule is a rule that commands of hooks must follow.
type Rule struct {
	hook.Rule
	excuse excuse
}

// An excuse makes a command harmless although it breaks a rule.
type excuse uint8

const (
	ifGuarded excuse = 1 << iota // a condition prevents it
	ifCaught                     // something catches its failure
	ifRemoved                    // hooks remove the files that it leaves
	ifSorted                     // hooks remove lines that repeat
	ifRemade                     // hooks make afterwards what it takes away
)

// rules returns all rules, in the order of their documentation.
var rules = sync.OnceValue(newRules)

func newRules() []Rule {
	rule := func(name string, verdict hook.Verdict, reason, use string, e excuse) Rule {
		return Rule{hook.Rule{Name: name, Verdict: verdict, Reason: reason, Use: use}, e}
	}
	warning := func(r Rule) Rule {
		r.Level = finding.Warning
		return r
	}
	const once = ifGuarded | ifCaught
	return []Rule{
		rule("append", hook.NotIdempotent, "adds to the file at every start", `grep -qxF 'LINE' FILE || echo 'LINE' >> FILE`, ifGuarded|ifSorted),
		rule("substitute", hook.NotIdempotent, "its result matches again, and grows at every start", `sed -i 's/^NAME=.*/NAME=VALUE/' FILE`, ifGuarded),
		rule("crontab", hook.NotIdempotent, "adds to the crontab at every start", `{ crontab -l | sed '/^LINE$/d'; echo 'LINE'; } | crontab -`, ifGuarded),
		rule("git-config-add", hook.NotIdempotent, "adds another value at every start", `git config --global --replace-all NAME VALUE '^VALUE$'`, ifGuarded),
		rule("another", hook.NotIdempotent, "makes one more of its kind at every start", `a name, and a test that nothing has it`, ifGuarded),
		rule("mkdir", hook.NotIdempotent, "fails once the folder exists", `mkdir -p FOLDER`, once|ifRemoved),
		rule("link", hook.NotIdempotent, "fails once the link exists", `ln -sfn TARGET LINK`, once|ifRemoved),
		rule("into-folder", hook.NotIdempotent, "goes into the folder once that exists", `ln -sfn TARGET LINK; cp -rT FOLDER COPY`, ifGuarded|ifRemoved),
		rule("special-file", hook.NotIdempotent, "fails once the file exists", `test -e FILE || mkfifo FILE`, once|ifRemoved),
		rule("account", hook.NotIdempotent, "fails once the account exists", `id -u NAME >/dev/null 2>&1 || useradd NAME`, once),
		rule("remote", hook.NotIdempotent, "fails once the remote exists", `flatpak remote-add --if-not-exists NAME URL; git remote get-url NAME || git remote add NAME URL`, once),
		rule("clone", hook.NotIdempotent, "fails once the folder exists", `git -C FOLDER pull --ff-only || git clone URL FOLDER`, once|ifRemoved),
		rule("move", hook.NotIdempotent, "fails once the file has been moved", `test ! -e FILE || mv FILE PLACE`, once|ifRemade),
		rule("remove", hook.NotIdempotent, "fails once the file is gone", `rm -f FILE`, once|ifRemade),
		rule("once", hook.NotIdempotent, "fails once its work is done", `a test that it is not done yet: CHECK || COMMAND`, once|ifRemoved),
		rule("status", hook.NotIdempotent, "ends the hook with an error once nothing is left to do", `if CONDITION; then COMMAND; fi`, ifGuarded),
		rule("asks", hook.NotIdempotent, "asks a question that nobody answers", `dnf install -y PACKAGE; better: declare the package in the manifest`, 0),
		rule("overwrite", hook.NotIdempotent, "asks, or fails, once the file exists", `unzip -o FILE; gpg --yes --dearmor -o FILE; test -e FILE || ssh-keygen -q -N '' -f FILE`, ifGuarded|ifCaught|ifRemoved),
		rule("varying", hook.NotIdempotent, "writes something different at every start", `a text that stays the same, or declare the file as volatile; for a key: test -e FILE || COMMAND > FILE`, ifGuarded|ifRemoved),
		rule("temporary-file", hook.NotIdempotent, "leaves one more temporary file at every start", `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT`, ifRemoved),
		rule("wget-copy", hook.NotIdempotent, "leaves one more copy (NAME.1, NAME.2) at every start", `wget -O FILE URL`, ifGuarded|ifRemoved),
		rule("pinned-version", hook.NotEquivalent, "pins a version; a new container would get a newer one", `name the channel: stable, latest, lts; or install the version in the image`, 0),
		rule("temporary-download", hook.NotEquivalent, "leaves a download in a temporary place", `curl -fsSL -z FILE -o FILE URL; or install it in the image`, ifRemoved),
		warning(rule("curl-fail", hook.NotEquivalent, "takes a server's error page for the download", `curl -fsSL URL`, 0)),
		warning(rule("pipe-to-shell", hook.NotEquivalent, "succeeds when the download fails", `s=$(curl -fsSL URL) && sh -c "$s"`, 0)),
		warning(rule("needs-root", hook.Fails, "needs root, and the hook runs as the user", `{"run": COMMAND, "as": "root"}`, ifCaught)),
		rule("syntax", hook.NotShell, "cannot be parsed", `a command that passes sh -n -c 'COMMAND'`, 0),
		rule("limit", hook.Unchecked, "exceeds a limit of this check", `a script in the image, which the hook runs`, 0),
	}
}

// ruleNamed returns the rule with a name, which must exist.
func ruleNamed(name string) Rule {
	i := slices.IndexFunc(rules(), func(r Rule) bool { return r.Name == name })
	return rules()[i]
}

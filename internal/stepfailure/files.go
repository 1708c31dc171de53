package stepfailure

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

var (
	dnf5Repo = newPattern(`^Failed to download metadata \(\w+: "(.*)"\) for repository "(.+)": (.+)$`)
	dnf4Repo = newPattern(`^Error: Failed to download metadata for repo '(.+)': (.+)$`)
	noRepo   = newPattern(`^(?:No matching repositories for (\S+)\. Add "--help" .*|Error: Unknown repo: '(.+)')$`)
	transfer = newPattern(`^(?:>>>|  -|\[MIRROR\] \S+:) (.+)$`)
)

// repository reads why dnf cannot use a repository.
func (f finder) repository() []Reason {
	if m := f.final(noRepo); m != nil {
		id := m[1] + m[2]
		return []Reason{{Entry: f.repo(id), Subject: id, What: "no file in /etc/yum.repos.d has this repository"}}
	}
	var id, why, near string
	if m := f.final(dnf5Repo); m != nil {
		near, id, why = m[1], m[2], m[3]
	} else if m := f.final(dnf4Repo); m != nil {
		id, why = m[1], m[2]
	} else {
		return nil
	}
	switch cause := f.transferError(near, "Errors during downloading metadata for repository '"+id+"':"); cause {
	case "":
	case wrongSum:
		why = "a file does not have the checksum that repomd.xml names"
	default:
		why = cause
	}
	return []Reason{{Entry: f.repo(id), Subject: id, What: "the metadata of this repository cannot be downloaded: " + why}}
}

// transferError returns the last error of a download about near, below the last line
// from. If near is empty, or no line has it, it is the last error there.
func (f finder) transferError(near, from string) string {
	lines := f.lines
	for i, line := range slices.Backward(lines) {
		if line == from {
			lines = lines[i:]
			break
		}
	}
	cause, about := "", ""
	for _, line := range lines {
		m := transfer.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[1], "No more mirrors") || strings.HasPrefix(m[1], "Usable URL") {
			continue
		}
		cause = m[1]
		if near != "" && strings.Contains(line, near) {
			about = m[1]
		}
	}
	if about != "" {
		cause = about
	}
	return shortTransfer(cause)
}

// wrongSum is the error of a file that is not the one in the metadata.
const wrongSum = "Downloading successful, but checksum doesn't match"

// shortTransfer leaves out of the error of a download what is in it twice.
func shortTransfer(text string) string {
	text, _, _ = strings.Cut(text, " - http")
	text, _, _ = strings.Cut(text, " (IP: ")
	text, _, _ = strings.Cut(text, " Calculated: ")
	return strings.TrimSuffix(text, ".")
}

var (
	dnf5Package = newPattern(`^ Librepo error: Cannot download (\S+)\.rpm: .*$`)
	dnf4Package = newPattern(`^  (\S+): Cannot download, .*$`)
	dnf5Failed  = newPattern(`^ Librepo error: (Status code: \d+ for (\S+)|Curl error .* for (\S+)).*$`)
	dnf4Failed  = newPattern(`^(Status code: \d+ for (\S+)|Curl error .* for (\S+)).*$`)
)

// download reads why dnf cannot download a package, or the key of a repository.
func (f finder) download() []Reason {
	if isFullDisk(f.last()) {
		return nil
	}
	for _, re := range []pattern{dnf5Failed, dnf4Failed} {
		if m := re.FindStringSubmatch(f.last()); m != nil {
			return []Reason{{Entry: f.owner("", m[2]+m[3]), What: "a file cannot be downloaded: " + m[1]}}
		}
	}
	var reasons []Reason
	for _, line := range slices.Backward(f.lines) {
		m := dnf5Package.FindStringSubmatch(line)
		if m == nil {
			m = dnf4Package.FindStringSubmatch(line)
		}
		if m == nil {
			break
		}
		reasons = append(reasons, f.undownloaded(m[1]))
	}
	slices.Reverse(reasons)
	return reasons
}

// undownloaded returns the reason that a package cannot be downloaded.
func (f finder) undownloaded(full string) Reason {
	name := nameOf(full)
	why := f.transferError(full+".rpm", "")
	if why == wrongSum {
		why = "its checksum is not that in the metadata of its repository"
	}
	r := Reason{Entry: f.owner(name, f.urlOf(full)), Subject: name, What: "the package cannot be downloaded: " + why}
	if len(f.Entries) > 0 { // a cache keeps the metadata
		r.Hints = []string{"the metadata may be older than the packages: \"bkt build --refresh\" downloads it again"}
	}
	return r
}

var address = newPattern(`https?://[^\s"')\]]+`)

// urlOf returns the address of a package in the output, "" if it has none.
func (f finder) urlOf(full string) string {
	for _, line := range f.lines {
		for _, url := range address.FindAllString(line, -1) {
			if strings.HasSuffix(url, "/"+full+".rpm") {
				return url
			}
		}
	}
	return ""
}

// owner returns the entry of a package or, if it is none of the step's, of the address
// or the repository of url.
func (f finder) owner(name, url string) Entry {
	if e := f.installed(name); e.Place != "" && name != "" {
		return e
	}
	return f.find(func(e Entry) bool {
		return strings.Contains(e.Text, "://") && url != "" && strings.HasPrefix(url, e.Text)
	})
}

var (
	dnf5Signature  = newPattern(`^OpenPGP check for package "(\S+)" \(.*\) from repo "(.+)" has failed: (.+)$`)
	dnf4Unsigned   = newPattern(`^Package (\S+)\.rpm is not signed$`)
	dnf4Unverified = newPattern(`^Error: GPG check FAILED$`)
	dnf4WrongKey   = newPattern(`^Public key for (\S+)\.rpm is not installed\..*$`)
)

// signature reads which packages have no signature, or one of another key.
func (f finder) signature() []Reason {
	_, failed := f.after("Transaction failed: Signature verification failed.", dnf5Signature.MatchString)
	if !failed && f.final(dnf4Unverified) == nil {
		return nil
	}
	const unsigned, otherKey = "the package is not signed", "the package is signed with another key than that of its repository"
	var reasons []Reason
	for _, line := range f.lines {
		if m := dnf5Signature.FindStringSubmatch(line); m != nil {
			what := otherKey
			if strings.Contains(m[3], "not signed") {
				what = unsigned
			} else if !strings.Contains(m[3], "wrong key") {
				what = m[3]
			}
			reasons = append(reasons, f.unverified(nameOf(m[1]), m[2], what))
		} else if m := dnf4Unsigned.FindStringSubmatch(line); m != nil {
			reasons = append(reasons, f.unverified(nameOf(m[1]), "", unsigned))
		} else if m := dnf4WrongKey.FindStringSubmatch(line); m != nil {
			reasons = append(reasons, f.unverified(nameOf(m[1]), "", otherKey))
		}
	}
	return reasons
}

// unverified returns a reason about the signature of a package.
func (f finder) unverified(name, repo, what string) Reason {
	r := Reason{Entry: f.installed(name), Subject: name, What: what}
	if r.Entry.Place == "" && repo != "" {
		r.Entry = f.repo(repo)
	}
	if strings.Contains(what, "another key") && repo != "" && f.repo(repo).Place != "" {
		r.Hints = []string{fmt.Sprintf("check \"gpg_key\" of %s", repo)}
	}
	return r
}

var (
	scriptlet = newPattern(`(?:\[RPM\]|^error:) (%\w+)\((\S+)\) scriptlet failed, (.+)$`)
	sameFile  = newPattern(`file (\S+) (?:conflicts between attempted installs of|from install of) (\S+) (?:and|conflicts with file from package) (\S+)$`)
)

// failedTransaction reports whether the output ends with a transaction of rpm that has
// failed.
func (f finder) failedTransaction() bool {
	const dnf4 = "Error: Transaction failed" // may follow other text on its line
	for _, line := range slices.Backward(f.lines) {
		switch {
		case line == "Transaction failed: Rpm transaction failed.", line == "Error: Transaction test error:", strings.HasSuffix(line, dnf4):
			return true
		case line != "" && line != "Failed:" && !strings.HasPrefix(line, "  "):
			return false
		}
	}
	return false
}

// scriptlet reads which script of a package has failed.
func (f finder) scriptlet() []Reason {
	if !f.failedTransaction() {
		return nil
	}
	var reasons []Reason
	for i, line := range f.lines {
		m := scriptlet.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := nameOf(m[2])
		what := fmt.Sprintf("its scriptlet %s fails with %s", m[1], m[3])
		if said := f.saidBefore(i); said != "" {
			what += ": " + said
		}
		reasons = append(reasons, Reason{Entry: f.installed(name), Subject: name, What: what})
	}
	return reasons
}

// saidBefore returns the last line that a scriptlet has printed before line i.
func (f finder) saidBefore(i int) string {
	for _, line := range slices.Backward(f.lines[:i]) {
		line = strings.TrimSpace(strings.TrimPrefix(line, ">>>"))
		switch {
		case line == "":
			continue
		case line == "Scriptlet output:", strings.HasPrefix(line, "Running scriptlet:"):
			return ""
		}
		return line
	}
	return ""
}

// files reads which packages have the same file.
func (f finder) files() []Reason {
	if !f.failedTransaction() {
		return nil
	}
	var reasons []Reason
	for _, line := range f.lines {
		if m := sameFile.FindStringSubmatch(line); m != nil {
			name, other := nameOf(m[2]), nameOf(m[3])
			if f.installed(name).Place == "" && f.installed(other).Place != "" {
				name, other = other, name
			}
			reasons = append(reasons, Reason{Entry: f.installed(name), Subject: name, What: fmt.Sprintf("its file %s conflicts with that of %s", m[1], other)})
		}
	}
	return reasons
}

var (
	noUnit  = newPattern(`^Failed to \w+ unit[:,] (?:[Uu]nit(?: file)?) (\S+) does not exist\.?$`)
	ownUnit = newPattern(`^Failed to mask unit[:,] (?:File|file) ['"](.+)['"] already exists\.?$`)
)

// unit reads which unit systemctl cannot enable, disable or mask.
func (f finder) unit() []Reason {
	if m := noUnit.FindStringSubmatch(f.last()); m != nil {
		return []Reason{{Entry: f.unitEntry(m[1]), Subject: m[1], What: "the image has no such unit", Hints: []string{"install the package that has it, or add its file to \"files\""}}}
	}
	if m := ownUnit.FindStringSubmatch(f.last()); m != nil {
		name := path.Base(m[1])
		return []Reason{{Entry: f.unitEntry(name), Subject: name, What: fmt.Sprintf("systemctl cannot mask it: the image has %s", m[1]), Hints: []string{"leave this file out of the image, or disable the unit instead"}}}
	}
	return nil
}

// unitEntry returns the entry of a unit, whose suffix it may leave out.
func (f finder) unitEntry(name string) Entry {
	if e := f.installed(name); e.Place != "" {
		return e
	}
	return f.installed(strings.TrimSuffix(name, ".service"))
}

var (
	noFolder    = newPattern(`^filesystem error: cannot create directories: Permission denied \[(.+)\]$`)
	noSuperuser = newPattern(`^(?:Error: This command has to be run with superuser privileges .*|The requested operation requires superuser privileges\. .*)$`)
)

// privileges reads that dnf does not run as root. It may fail before it checks that,
// because a user such as nobody has no home.
func (f finder) privileges() []Reason {
	what := "dnf needs root"
	if m := noFolder.FindStringSubmatch(f.last()); m != nil {
		what = fmt.Sprintf("dnf cannot create %s: permission denied", m[1])
	} else if !noSuperuser.MatchString(f.last()) {
		return nil
	}
	return []Reason{{What: what, Hints: []string{"move the step above the line USER, or write USER root between them"}}}
}

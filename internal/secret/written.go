package secret

import (
	"path"
	"strings"
)

// writtenFile returns the file that gets the output of a command by a redirection or by
// tee, "" if none.
func writtenFile(redirections, next []string) string {
	if len(next) > 1 {
		if tee := withoutFiles(program(next)); len(tee) > 1 && path.Base(tee[0]) == "tee" {
			return tee[len(tee)-1]
		}
	}
	for i, r := range redirections {
		if !strings.HasPrefix(strings.TrimLeft(r, "1"), ">") {
			continue
		}
		if file := strings.TrimLeft(r, "1>|"); file != "" {
			return file
		}
		if i+1 < len(redirections) {
			return redirections[i+1]
		}
	}
	return ""
}

// namesSecretFile reports whether the name or the folder of a file is one of secrets. Most
// files with an extension belong to programs for secrets.
func namesSecretFile(file string) bool {
	folder, name := path.Split(file)
	if name == "passwd" || strings.Contains(folder, "/pam.d/") {
		return false
	}
	if end := path.Ext(name); end != "" && end != name && end != ".txt" {
		return end == ".key" || nameClass(end) == strong
	}
	return nameClass(strings.TrimSuffix(name, ".txt")) == strong || path.Base(folder) == "secrets"
}

// escapes replaces the escapes of printf.
var escapes = strings.NewReplacer(`\n`, "\n", `\t`, "\t")

var passwordLine = pattern(`^[^:\s]+:(?:[0-9]+|\*):[^:\s]+:[^:\s]+:(\S+)$`)

// lines scans the lines of a text that is written to a file. In many formats of
// configuration, only a blank separates a name from its value. In a file of secrets,
// secrets are at the ends of lines.
func (s *scan) lines(text string, secret bool) {
	for line := range strings.SplitSeq(escapes.Replace(text), "\n") {
		line = strings.TrimSpace(line)
		if m := passwordLine().FindStringSubmatch(line); m != nil {
			s.addOption(m[1])
			continue
		}
		if fields := strings.Fields(line); secret && len(fields) > 0 && len(fields) <= 4 && !strings.HasPrefix(line, "#") {
			last := fields[len(fields)-1]
			if isSecret(strong, last) && strings.Trim(last, "%sn") != "" && !strings.ContainsAny(last, "=[]$") && !s.has(last) {
				s.add("a line of a file that is named like a secret", last)
			}
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		value = strings.TrimRight(strings.TrimSpace(value), ";")
		inner := strings.Trim(value, `'"`)
		if strings.ContainsAny(value, " \t") && len(value)-len(inner) < 2 {
			continue // a sentence, or a rule
		}
		if nameClass(name) == strong && strings.Trim(name, nameBytes) == "" && isSecretOf(name, strong, inner) && !s.has(inner) {
			s.addNamed(kindNamed, name, inner)
		}
	}
}

const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

var hereDocument = pattern(`<<-?\s*["']?([A-Za-z_]+)["']?[^\n]*\n`)

// hereDocuments returns the here-documents of commands.
func hereDocuments(text string) []string {
	var all []string
	for strings.Contains(text, "<<") {
		m := hereDocument().FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		word := text[m[2]:m[3]]
		text = text[m[1]:]
		body, rest, _ := strings.Cut(text, "\n"+word)
		all = append(all, body)
		text = rest
	}
	return all
}

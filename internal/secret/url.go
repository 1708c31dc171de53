package secret

import (
	"cmp"
	"strings"
)

// urls scans each URL in a text: its login, its parameters, and folders that are keys.
func (s *scan) urls(text string) {
	for at := 0; ; {
		i := strings.Index(text[at:], "://")
		if i < 0 {
			break
		}
		start := at + i
		for start > 0 && (isNameByte(text[start-1]) || text[start-1] == '+') {
			start--
		}
		end := at + i + len("://")
		for end < len(text) && !strings.ContainsRune(" \t\n'\"<>`\\", rune(text[end])) {
			end++
		}
		s.url(text[start:at+i], text[at+i+len("://"):end])
		at = max(end, at+i+len("://"))
		if at >= len(text) {
			break
		}
	}
	for _, m := range matches(loginPattern, text, "@") {
		password := cmp.Or(m[1], m[3])
		if !isPlaceholder(password) && !strings.HasPrefix(m[2], "sha") && !s.has(password) {
			s.add("a password in an address", password)
		}
	}
}

// loginPattern matches a user with a password at a host, without a scheme.
var loginPattern = pattern(`(?:^|[\s="']|//)[A-Za-z0-9_.%+-]+:([^\s:@/'",=]*[0-9][^\s:@/'",=]*)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?:[:/?\s'"]|$)|jdbc:oracle:thin:[^/\s]+/([^@\s]+)@`)

func (s *scan) url(scheme, rest string) {
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if _, port, ok := strings.Cut(host, ":"); ok && !strings.Contains(host, "@") && strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(host, "[") {
		if i := strings.LastIndexByte(rest, '@'); i > 0 { // a password with a slash
			host, path = rest[:i+1], ""
		}
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		s.login(scheme, host[:i])
	}
	path, query, _ := strings.Cut(path, "?")
	path, fragment, _ := strings.Cut(path, "#")
	path, parameters, _ := strings.Cut(path, ";")
	s.query(parameters)
	s.query(query)
	s.query(fragment)
	s.folders(host, path)
}

// login scans the user and the password before the host.
func (s *scan) login(scheme, login string) {
	user, password, ok := strings.Cut(login, ":")
	switch {
	case ok && password != "" && !isPlaceholder(password):
		s.add("a password in a URL", password)
	case ok && password != "", strings.HasPrefix(scheme, "ssh"), strings.HasSuffix(scheme, "+ssh"), strings.Contains(user, "%40"), isPlaceholder(user):
	case tokenLike(user):
		s.add("a token in a URL", user)
	}
}

// tokenLike reports whether a user without a password looks like a token.
func tokenLike(user string) bool {
	return len(user) >= 12 && hasDigit(user) && runs(user) >= 0.2 || len(user) >= 20 && (runs(user) >= 0.25 || !strings.ContainsAny(user, "-_.")) || len(user) >= 32
}

// query scans the parameters of a URL.
func (s *scan) query(query string) {
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		class := nameClass(name)
		switch {
		case class == none && (signing()[strings.ToLower(name)] || name == "code") && randomish(value), isSecret(class, value), class == weak && shortKey(value):
			s.addNamed("a token in a URL", name, value)
		case class == none && !namesID(name) && name != "list":
			s.words(value, true)
		}
	}
}

// signing are parameters of URLs that give access.
var signing = words("hash token_hash hmac st sign t s k h access hdnts policy key-pair-id x-amz-security-token")

// shortKey reports whether the value of a parameter such as "key" may be a key.
func shortKey(v string) bool {
	return len(v) >= 8 && hasDigit(v) && !isReference(v) && !strings.ContainsAny(v, "-_.:/") && strings.Trim(v, "0123456789") != "" && runs(v) >= 0.25
}

// keyFolders are folders of URLs before a key.
var keyFolders = words("key token secret apikey api-key auth hook hooks webhook webhooks private private-feed invite bot trigger catch")

// folders scans the folders of a URL. Many are digests, so a folder is a key only after one
// of keyFolders.
func (s *scan) folders(host, path string) {
	isCalendar := strings.HasSuffix(path, ".ics") // its address gives access
	before := ""
	for folder := range strings.SplitSeq(path, "/") {
		key, isPrivate := strings.CutPrefix(folder, "private-")
		mayBeKey := keyFolders()[strings.ToLower(before)] || isPrivate || isCalendar || strings.HasPrefix(host, "hooks.") || strings.HasPrefix(host, "hc-ping.")
		if mayBeKey && len(key) >= 16 && (randomish(key) || isHex(key, 16) || len(key) == 26 && hasDigit(key)) && !s.has(key) {
			s.add("a key in a URL", key)
		}
		before = folder
	}
}

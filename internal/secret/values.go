package secret

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// nothing are values that mean "no secret", or name the place of a secret.
var nothing = words(`true false yes no on off none null nil nothing disabled enabled default auto automatic never always ask prompt unset
	undefined required optional hidden visible manual system keyring keychain libsecret files compat sss systemd gnome-libsecret gnome-keyring kwallet kwallet5
	kwallet6 secret-service secret-tool talk own see 0 1 plain inherit redacted placeholder todo example empty xxx xxxx
	basic_auth bearer optional interactive unknown stdin keepassxc - (null) pinentry all read write expired changed missing incorrect wrong invalid failed`)

// isReference reports whether a value only refers to a secret: a variable, a command that
// prints it, a path, asterisks.
func isReference(v string) bool {
	v = strings.TrimSpace(v)
	v = strings.Trim(v, `'"`)
	if isPlaceholder(v) || nothing()[strings.ToLower(v)] {
		return true
	}
	return isPath(v) || busValue().MatchString(v) || shortcutPattern().MatchString(v) ||
		elsewherePattern().MatchString(v)
}

// isPlaceholder reports whether a value is a placeholder: a variable, or asterisks.
func isPlaceholder(v string) bool {
	v = strings.TrimSpace(v)
	return strings.Trim(v, "*.•_- ") == "" || len(v) > 2 && strings.Trim(v, "xX") == "" || strings.HasPrefix(v, "$(") || strings.HasPrefix(v, "`") ||
		variablePattern().MatchString(v) || strings.Contains(v, "$") && !strings.ContainsFunc(variables().ReplaceAllString(v, ""), isLetterOrDigit)
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// variables matches variables of a shell. A default in one is part of the value, and thus
// not matched.
var variables = pattern(`\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$\{\{[^}]*\}\}|\$\([^()]*\)`)

var (
	variablePattern  = pattern(`^["']?(\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*(:?[-=]["\x27]*(\$[^}]*)?["\x27]*|:?[?+][^}]*)?\}|\$\{[a-z]+:[^}]*\}|\$[0-9@*#]|%[a-zA-Z]|%\{[^}]*\}|%[A-Z_]+%|\{\{.*|\$\{\{.*|\{[a-zA-Z_]*\}|<\(.*|<[A-Za-z][A-Za-z _-]*>?|\[[A-Za-z _-]+\]?)["']?$`)
	busValue         = pattern(`^[a-z]{2,}(\.[A-Za-z_][A-Za-z_-]*){2,}$`)
	groupsPattern    = pattern(`^[A-Z0-9]{4,6}(-[A-Z0-9]{4,6}){2,}$`)
	shortcutPattern  = pattern(`^(<[A-Za-z0-9_]+>)+[A-Za-z0-9_]*$|^(XF86[A-Za-z0-9]+|F[0-9]{1,2}|Super_[LR]|Control_[LR]|Alt_[LR]|Print|Escape|Return|Tab|Insert|Delete)$`)
	elsewherePattern = pattern(`(?i)^(op|vault|ref\+\w+|secret|keyring|pass|env|file|https?|unix|ssh|git|ftp|systemd-creds|arn):/*\S*$|^@?file:|^arn:|^your[-_ ]|^!|^secret-tool |^pass (show )?\S+$|^-{1,2}[a-z]|^(id|src|source|type|env|target)=|^__[A-Za-z_]+__$|^\\?\.\*`)
)

// isPath reports whether a value is the path of a file.
func isPath(v string) bool {
	v = strings.TrimPrefix(v, "@")
	if !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "~") && !strings.HasPrefix(v, "./") && !strings.HasPrefix(v, "../") &&
		!strings.HasPrefix(v, "$HOME") && !strings.HasPrefix(v, "%h/") && !strings.HasPrefix(v, "${") {
		return false
	}
	return strings.Contains(v, "/") && !(len(v) >= 20 && isBase64(v))
}

// isSecret reports whether a value with a name of that class is a secret.
func isSecret(c class, v string) bool {
	v = strings.Trim(strings.TrimSpace(v), `'"`)
	switch {
	case c != weak && c != strong, isReference(v):
		return false
	case c == strong:
		return strings.ContainsFunc(v, isLetterOrDigit)
	}
	if user, pass, ok := strings.Cut(v, ":"); ok && user != "" && hasDigit(pass) && !strings.ContainsAny(v, "/ ,") && len(pass) > 4 && !strings.Contains(pass, ":") {
		return true
	}
	return randomish(v) || isMnemonic(v)
}

// isSecretOf is isSecret for a value with its name in any text: a pin is a secret only if it
// is a number.
func isSecretOf(name string, c class, v string) bool {
	words := wordsOf(name)
	if len(words) > 0 && words[len(words)-1] == "pin" && !hasDigit(v) {
		return false
	}
	return isSecret(c, v)
}

// named reports whether a string of a setting is a short number, and thus a count.
func named(v string, c class) bool {
	return c == strong && len(v) < 3 && strings.Trim(v, "0123456789") == ""
}

// authMethods are methods of authentication, which variables that end in "auth" may have as
// values, too.
var authMethods = words(`basic digest ntlm negotiate kerberos gssapi oauth oauth2 login plain ldap pam password token cram-md5 scram peer trust
	md5 cert sasl oidc saml jwt apikey bearer external anonymous xauth ssh key publickey gpg x11 github google`)

// isLogin reports whether the value of such a variable has credentials.
func isLogin(v string) bool {
	return userPattern().MatchString(v) || len(v) > 3 && !isReference(v) && !authMethods()[strings.ToLower(v)] && !strings.ContainsAny(v, " /,;") && hasLetter(v)
}

func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }

// randomish reports whether a value may be random. It is for values that a name makes
// suspicious.
func randomish(v string) bool {
	if uuidPattern().MatchString(v) || isGroups(v) || isHex(v, 16) && hasDigit(v) && strings.ContainsAny(v, "abcdefABCDEF") || isBase64(v) || isBase32(v, 16) {
		return true
	}
	for piece := range strings.FieldsFuncSeq(v, func(r rune) bool { return strings.ContainsRune(" /:.,;|=&%{}()[]<>'\"", r) }) {
		if randomWord(piece) {
			return true
		}
		for part := range strings.FieldsFuncSeq(piece, func(r rune) bool { return r == '-' || r == '_' }) {
			if len(piece) >= 12 && looksRandom(part) && !strings.HasPrefix(part, "XF86") {
				return true
			}
		}
	}
	return false
}

// isGroups reports whether a value is a key that people type: groups of capitals and digits.
// If there are few groups, or no digits, all groups must have the same length.
func isGroups(v string) bool {
	if !groupsPattern().MatchString(v) {
		return false
	}
	groups := strings.Split(v, "-")
	even := !slices.ContainsFunc(groups, func(g string) bool { return len(g) != len(groups[0]) })
	return len(groups) > 3 && (even || hasDigit(v)) || even && hasDigit(v)
}

// looksRandom reports whether a part of a suspicious value may be random: the longer it is,
// the less random it has to look.
func looksRandom(part string) bool {
	switch n := len(part); {
	case n >= minWord-2 && hasDigit(part):
		return runs(part) >= minRuns*2/3
	case n >= minWord:
		return runs(part) >= minRuns
	default:
		return n >= minWord/2 && hasDigit(part) && runs(part) >= minRuns
	}
}

// isMnemonic reports whether a value is a list of words that encode a key.
func isMnemonic(v string) bool {
	words := strings.Fields(v)
	if len(words) < 12 || len(words)%3 != 0 {
		return false
	}
	for _, w := range words {
		if len(w) < 3 || len(w) > 8 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return true
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

func isHex(s string, least int) bool {
	return len(s) >= least && strings.Trim(s, "0123456789abcdefABCDEF") == "" && (strings.ToLower(s) == s || strings.ToUpper(s) == s)
}

// isBase32 reports whether a word is a key of a program for one-time passwords.
func isBase32(s string, least int) bool {
	s = strings.TrimRight(s, "=")
	if len(s) < least || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return false
	}
	digits := count(s, unicode.IsDigit)
	return digits >= 2 && digits*2 <= len(s) && entropy(s) >= 3
}

// isBase64 reports whether a word is a key in base64: it has all kinds of letters, and none
// of its parts is a word of a language.
func isBase64(s string) bool {
	word := strings.TrimRight(s, "=")
	if len(word) < 20 || len(s)-len(word) > 2 || strings.Trim(word, base64Letters) != "" || !mixed(word) {
		return false
	}
	if strings.ContainsAny(s, "+=") || strings.Contains(s, "/") {
		return !wordy(s) && runs(word) >= longRuns && entropy(word) >= minEntropy
	}
	return randomWord(s)
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// wordy reports whether a part of a path is a word.
func wordy(path string) bool {
	if strings.Count(path, "/")*8 > len(path) {
		return true
	}
	least := 4
	if strings.HasSuffix(path, "=") || strings.Contains(path, "+") {
		least = 6 // paths do not have these characters
	}
	for part := range strings.SplitSeq(strings.TrimRight(path, "="), "/") {
		if len(part) >= least && strings.Trim(part[1:], "abcdefghijklmnopqrstuvwxyz") == "" {
			return true
		}
	}
	return false
}

// The minimum length of random words, and of those with only small letters and digits.
const (
	minWord  = 20
	minLower = 24
)

// minEntropy is the minimum number of bits per character of a random word. Words of
// languages and paths have fewer, hexadecimal hashes at most four.
const minEntropy = 3.6

// Limits for long words, which may have fewer runs if they have a higher entropy.
const (
	longWord    = 28
	longRuns    = 0.25
	longEntropy = 4.2
)

// minRuns is the minimum number of runs of one kind of characters per character of a random
// word. Joined words of a language have fewer.
const minRuns = 0.3

// randomWord reports whether a word looks random.
func randomWord(w string) bool {
	piece := longestPiece(w)
	longest := len(piece)
	if longest >= minWord && longest < len(w) && !isHex(piece, minWord) && randomWord(piece) {
		return true // after a name
	}
	if len(w) < minWord || longest < minWord/2 || isHex(piece, minWord) || longest < minWord && ofWords(w) {
		return false
	}
	if long := longest >= longWord && runs(w) >= longRuns && entropy(w) >= longEntropy; !long && (runs(w) < minRuns || entropy(w) < minEntropy) {
		return false
	}
	if mixed(w) {
		return true
	}
	digits := count(w, unicode.IsDigit)
	return longest >= minLower && digits*8 >= len(w) && digits*2 <= len(w)
}

// ofWords reports whether a word has two words of a language between hyphens and the like,
// such as the name of a device with its number. Random words do not.
func ofWords(w string) bool {
	n := 0
	for piece := range strings.FieldsFuncSeq(w, isJoint) {
		if len(piece) >= 4 && strings.Trim(piece[1:], "abcdefghijklmnopqrstuvwxyz") == "" && hasLetter(piece[:1]) {
			n++
		}
	}
	return n >= 2
}

func isJoint(r rune) bool { return strings.ContainsRune("-_.", r) }

// longestPiece returns the longest part of a word between hyphens and the like.
func longestPiece(w string) string {
	longest := ""
	for piece := range strings.FieldsFuncSeq(w, isJoint) {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	return longest
}

// digitsIn is the maximum number of characters per digit in a random word. The average is
// six.
const digitsIn = 28

// mixed reports whether a word has letters of both cases and digits. A long word with many
// runs needs no digits.
func mixed(w string) bool {
	lower, upper := count(w, unicode.IsLower), count(w, unicode.IsUpper)
	digits := count(strings.TrimRight(w, "0123456789"), unicode.IsDigit)
	random := digits*digitsIn >= len(w) || len(w) >= longWord && runs(w) >= minRuns
	return random && lower*8 >= len(w) && upper*8 >= len(w)
}

func count(s string, is func(rune) bool) int {
	n := 0
	for _, r := range s {
		if is(r) {
			n++
		}
	}
	return n
}

// runs returns the number of runs of one kind of characters per character of a word. A
// capital belongs to the small letters after it.
func runs(w string) float64 {
	n, letters, before := 0, 0, ' '
	for _, r := range w {
		kind := kindOf(r)
		if kind != ' ' {
			letters++
		}
		if kind != before && kind != ' ' && !(before == 'A' && kind == 'a') {
			n++
		}
		before = kind
	}
	if letters == 0 {
		return 0
	}
	return float64(n) / float64(letters)
}

func kindOf(r rune) rune {
	switch {
	case unicode.IsDigit(r):
		return '0'
	case unicode.IsUpper(r):
		return 'A'
	case unicode.IsLower(r):
		return 'a'
	}
	return ' '
}

// entropy returns the number of bits per character of a word, by the frequencies of its
// characters.
func entropy(w string) float64 {
	var counts [256]int
	for i := range len(w) {
		counts[w[i]]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(w))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

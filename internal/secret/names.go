package secret

import (
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A class says whether the value of a name is a secret.
type class int

const (
	none   class = iota
	about        // it describes a secret, such as its file
	weak         // it may be a secret: "key"
	strong       // it is a secret: "password"
)

// stems are parts of names of secrets, at any position.
var stems = []string{
	"password", "passwd", "passphrase", "passwort", "kennwort", "passcode", "apikey", "apitoken", "secretkey", "privatekey",
	"authkey", "authtoken", "accesstoken", "refreshtoken", "credential", "clientsecret", "secretid", "totp", "hotp",
	"motdepasse", "contrasena", "storagekey", "accountkey", "accesskey",
	"activationkey", "encryptionkey", "masterkey", "presharedkey", "pincode", "backupcode", "recoverycode", "recoverykey",
	"licensekey", "licencekey", "productkey", "serialkey", "seedphrase", "recoveryphrase", "seedwords",
}

// secretWords are words in names of secrets.
var secretWords = words("secret secrets token tokens pass pwd pw psk otp pin passwords cred creds jwt passphrases pswd psw")

// lastWords are secretWords that count only at the end of a name: "pass" does not count in
// "pass-through".
var lastWords = words("pass pwd pw psk pin cred creds")

// weakWords are words in names of possible secrets.
var weakWords = words(`key keys auth sig sign signature hmac appid cookie cookies seed mnemonic session sid sessionid bearer license
	licence serial salt nonce webhook pat csrf xsrf login accesskey accesskeys`)

// secretEnds are the ends of words in names of secrets, for names without separators.
var secretEnds = []string{"pass", "pwd", "token", "secret", "psk", "apikey"}

// noSecrets are words with such an end, or with a secretWord in them, that are not names of
// secrets.
var noSecrets = words(`compass bypass trespass surpass overpass underpass encompass impass keepass gopass lastpass enpass nordpass
	askpass nopasswd nopassword sshaskpass authpass protonpass multipass passthrough oldpwd hotkey monkey turkey donkey`)

// aboutAfter are words after the word of a secret that make the name describe the secret;
// aboutBefore are such words before it.
var aboutAfter = words(`file files path paths dir dirs directory folder store storage manager managers helper command commands cmd program prompt
	type types kind mode method methods format length len size limit limits count counts max min num number expiry expires expiration
	expire ttl timeout age lifetime policy url uri endpoint host hostname server address addr port user username name names id ids backend
	service services provider providers agent source env variable var enabled enable enables required visible visibility shown hint
	strength generator generators rules rule icon label title scope scopes audience issuer algorithm algo socket sock parallelism position index
	prefix suffix encoding charset chars characters case template pattern regex field fields column support extension extensions
	dialog window shortcut shortcuts binding bindings cache keyring interval refresh retries attempts version status state changed
	date time timestamp blacklist whitelist allowlist denylist list excluded ignore apps usage budget display color colour action
	actions behavior behaviour setup through thru feature features lifetimes owner fd warning warnings check checks ring map layout theme
	domain domains region tool plugin plugins schema driver engine renewal rotation entry stdin conf tries days hasher rounds score ref refs complexity config configs configuration regexp test tests fetcher`)

var aboutBefore = words(`no not remember show hide reveal use ask save require required has is allow prompt bypass generate clear max min num
	number count copy existing toggle forget change reset disable disabled enable enabled with without skip validate check need needs total input
	output completion lock ignore public pub per exclude include random autofill autotype tokenizer
	recv import load fetch trusted trust default local export list search send primary authorized known host first last next previous`)

// generic are keys whose name says nothing about the value.
var generic = words("value values data text v content contents val string default key items entries list")

// benign are keys of public values next to a secret.
var benign = words(`user username name type id url uri label host hostname server scope login email title icon kind method provider service
	path folder schema version display-name account uuid issuer port protocol domain region description`)

// idWords are the last words of names of random values that are public.
var idWords = words(`sha sha1 sha224 sha256 sha384 sha512 md5 blake2 blake3 b2sum checksum checksums sum digest digests commit commits rev revision
	ref refs uuid uuids guid guids id ids build version fingerprint hash hashes etag keyid thumbprint tag integrity hostkey
	profile profiles device devices disk partition monitor monitors machine folder folders children pubkey recipient recipients icon
	signingkey cid srcrev
	account accounts calendar calendars book books uid uids playlist playlists track tracks album albums artist channel video videos`)

// idParts are words of such names at any position.
var idParts = words("gpg pgp public pub pubkey uuid sha256 sha512 md5 commit digest fingerprint checksum gpgkey machine nix")

// words returns a function that returns a set of words, and creates it at the first call.
func words(text string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		all := map[string]bool{}
		for _, w := range strings.Fields(text) {
			all[w] = true
		}
		return all
	})
}

// maxName is the maximum length of a name.
const maxName = 80

// nameClass returns the class of a name.
func nameClass(name string) class {
	if name == "" || len(name) > maxName {
		return none
	}
	words := wordsOf(name)
	if slices.ContainsFunc(words, func(w string) bool { return w == "public" || w == "pub" || w == "pubkey" }) {
		return about
	}
	joined := strings.TrimSuffix(strings.Join(words, ""), "accesskeys") // access keys are those of menus
	first, last := -1, -1                                               // the words that name a secret
	for _, stem := range stems {
		if i := strings.LastIndex(joined, stem); i >= 0 {
			a, b := wordAt(words, i), wordAt(words, i+len(stem)-1)
			if first < 0 || a < first {
				first = a
			}
			last = max(last, b)
		}
	}
	for i, w := range words {
		if isSecretWord(w) && (i == len(words)-1 || !lastWords()[w]) {
			if first < 0 || i < first {
				first = i
			}
			last = max(last, i)
		}
	}
	if last < 0 {
		return weakClass(words, joined)
	}
	if containsAny(words[last+1:], aboutAfter()) || containsAny(words[:first], aboutBefore()) || noSecrets()[joined] {
		return about
	}
	return strong
}

// isSecretWord reports whether a word in a name makes the value a secret.
func isSecretWord(w string) bool {
	if noSecrets()[w] {
		return false
	}
	return secretWords()[w] || slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(w, end) && len(w) > len(end) })
}

func weakClass(words []string, joined string) class {
	if containsAny(words, idParts()) {
		return about
	}
	for i, w := range words {
		switch {
		case noSecrets()[w]:
		case weakWords()[w] && containsAny(words[i+1:], aboutAfter()), weakWords()[w] && containsAny(words[:i], aboutBefore()):
			return about
		case weakWords()[w] && (i == len(words)-1 || w == "auth" || w == "webhook"), i == len(words)-1 && strings.HasSuffix(w, "key"):
			return weak
		}
	}
	if strings.HasSuffix(joined, "appid") && !strings.Contains(joined, ".") {
		return weak
	}
	return none
}

func containsAny(words []string, of map[string]bool) bool {
	return slices.ContainsFunc(words, func(w string) bool { return of[w] })
}

// wordAt returns the index of the word with the character at an offset in the joined words.
func wordAt(words []string, offset int) int {
	for i, w := range words {
		if offset < len(w) {
			return i
		}
		offset -= len(w)
	}
	return len(words) - 1
}

// wordsOf returns the words of a name in lower case, without numbers at their ends:
// auth and token for authToken2.
func wordsOf(name string) []string {
	var words []string
	var word []rune
	end := func() {
		w := strings.ToLower(string(word))
		word = word[:0]
		if !idWords()[w] {
			w = strings.TrimRight(w, "0123456789")
		}
		if w != "" {
			words = append(words, w)
		}
	}
	previous := ' '
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
		} else {
			if unicode.IsUpper(r) && unicode.IsLower(previous) {
				end()
			}
			word = append(word, r)
		}
		previous = r
	}
	end()
	return words
}

// namesID reports whether a name is that of a public value, even if the value looks random.
func namesID(name string) bool {
	words := wordsOf(name)
	return len(words) > 0 && (idWords()[words[len(words)-1]] || containsAny(words, idParts()))
}

// namesLogin reports whether a name is that of a user together with a password.
func namesLogin(name string) bool {
	words := wordsOf(name)
	return len(words) > 0 && (words[len(words)-1] == "auth" || words[len(words)-1] == "login" || words[len(words)-1] == "userpass")
}

// passwordLike reports whether a name is that of a password.
func passwordLike(name string) bool {
	words := wordsOf(name)
	joined := strings.Join(words, "")
	return strings.Contains(joined, "passw") || strings.HasSuffix(joined, "pwd") || strings.HasSuffix(joined, "pass") || strings.Contains(joined, "passphrase")
}

// shownName reports whether a name may be printed, because it is not itself a secret.
func shownName(name string) bool {
	return name != "" && len(name) <= maxName && !randomWord(name)
}

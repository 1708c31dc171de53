package secret

import (
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// arguments scans the arguments of each command in a text for a shell.
func (s *scan) arguments(text string) { s.commands(text, 0) }

// maxNesting is how deep commands in quotes are scanned, such as those of "sh -c".
const maxNesting = 3

func (s *scan) commands(text string, depth int) {
	if len(text) > maxCommand {
		text = text[:maxCommand]
	}
	if strings.Contains(text, "${{") {
		text = variables().ReplaceAllString(text, "$$VARIABLE")
	}
	for _, m := range matches(netrcPattern, text, "password ") {
		s.addOption(m[1])
	}
	for _, m := range matches(sqlPattern, text, "PASSWORD", "password", "IDENTIFIED", "identified") {
		s.addOption(m[1])
	}
	if strings.HasPrefix(text, "-") {
		text = "options " + text
	}
	for _, document := range hereDocuments(text) {
		s.lines(document, false)
	}
	list := shellCommands(text)
	for i, words := range list {
		var next []string
		if i+1 < len(list) && words.piped {
			next = list[i+1].words
		}
		s.oneCommand(program(words.words), next)
		for _, w := range words.words {
			if depth < maxNesting && strings.Contains(w, " ") && len(words.words) > 1 {
				s.commands(w, depth+1)
			}
		}
	}
}

// maxCommand is how many bytes of a command are scanned.
const maxCommand = 1 << 16

// sqlPattern matches passwords in statements of databases.
var sqlPattern = pattern(`(?i)\b(?:password|identified(?: with \S+)? by)\s*\(?\s*'([^'\s]+)'`)

var netrcPattern = pattern(`\b(?:login|account|user)\s+\S+\s+password\s+["']?([^\s"'\\]+)`)

// wrappers are words before the program of a command.
var wrappers = words("sudo env exec command nohup time doas run0 setsid nice ionice timeout xargs if then else do while until ! eval stdbuf")

// wrapperOptions are options of wrappers with a value.
var wrapperOptions = words("-u -g -U -h -C -p -n -k --user --group --unset")

// program returns a command without wrappers, their options and variables.
func program(words []string) []string {
	for len(words) > 1 {
		name, _, isPair := strings.Cut(words[0], "=")
		switch {
		case isPair && !strings.HasPrefix(name, "-"), wrappers()[words[0]] && !slices.Contains(words, "-S"):
		case len(words) > 2 && wrapperOptions()[words[0]]:
			words = words[1:]
		case len(words) > 2 && strings.HasPrefix(words[0], "-"):
		default:
			return words
		}
		words = words[1:]
	}
	return words
}

// oneCommand scans one command. next is the command that reads its output.
func (s *scan) oneCommand(words, next []string) {
	if len(words) < 2 {
		return
	}
	name := path.Base(words[0])
	args := words[1:]
	if i := slices.Index(args, "<<<"); i >= 0 && i+1 < len(args) && readsPassword(words) {
		s.printed("echo", args[i+1:i+2])
	}
	all := args
	args = withoutFiles(args)
	if file := writtenFile(all[len(args):], next); file != "" && prints(name) {
		for _, arg := range args {
			s.lines(arg, namesSecretFile(file))
		}
	}
	if len(args) == 0 {
		return
	}
	s.options(name, args)
	s.attached(name, args)
	s.settings(name, args)
	s.positional(name, args)
	if readsPassword(next) {
		s.printed(name, args)
	}
}

// withoutFiles returns the arguments before the first redirection.
func withoutFiles(args []string) []string {
	if i := slices.IndexFunc(args, func(a string) bool {
		return strings.HasPrefix(strings.TrimLeft(a, "012&"), ">") || strings.HasPrefix(a, "<")
	}); i >= 0 {
		return args[:i]
	}
	return args
}

// options scans the values of options by the names of the options.
func (s *scan) options(name string, args []string) {
	for i, arg := range args {
		if i+1 == len(args) {
			return
		}
		value := args[i+1]
		long := strings.TrimLeft(arg, "-")
		if long == arg || strings.Contains(arg, "=") || strings.HasPrefix(value, "-") || isReference(value) {
			continue
		}
		class := nameClass(long)
		switch {
		case class == weak && isHex(value, 8) && publicPrograms()[name]:
		case takesPassword(name, arg, args), len(long) > 2 && class == strong && isSecret(class, value), class == weak && randomish(value):
			s.addOption(value)
		case name == "lftp" && arg == "-u":
			_, password, _ := strings.Cut(value, ",")
			s.addOption(password)
		case takesLogin(name, arg):
			s.userPassword(value)
		case class == about && passwordLike(long) && strings.HasPrefix(value, "echo "):
			s.addOption(strings.TrimPrefix(value, "echo "))
		case cookieOption(name, arg) && strings.Contains(value, "=") && len(value) > 8:
			s.add("a cookie", value)
		}
	}
}

func (s *scan) addOption(value string) {
	if !isReference(value) && !s.has(value) {
		s.add(kindOption, value)
	}
}

// userPassword scans USER:PASSWORD and USER%PASSWORD.
func (s *scan) userPassword(value string) {
	i := strings.IndexAny(value, ":%")
	if i < 0 || i+1 == len(value) || strings.ContainsAny(value[:i], "/ ") {
		return
	}
	if password := value[i+1:]; !isReference(password) && !strings.HasPrefix(password, "$") {
		s.addOption(password)
	}
}

// passwordOptions are options of one letter whose value is a password, by program.
var passwordOptions = sync.OnceValue(func() map[string][]string {
	return map[string][]string{
		"sshpass": {"-p"}, "zip": {"-P"}, "unzip": {"-P"}, "redis-cli": {"-a"}, "ldapsearch": {"-w"}, "ldapmodify": {"-w"}, "ldapadd": {"-w"},
		"mongo": {"-p"}, "mongosh": {"-p"}, "mongodump": {"-p"}, "ssh-keygen": {"-N", "-P"}, "useradd": {"-p"}, "usermod": {"-p"},
		"openssl": {"-k", "-K", "-pass", "-passin", "-passout"}, "ipmitool": {"-P"}, "mosquitto_pub": {"-P"}, "mosquitto_sub": {"-P"}, "sqlcmd": {"-P"}, "influx": {"-t"},
		"snmpwalk": {"-c", "-A", "-X"}, "snmpget": {"-c", "-A", "-X"}, "snmpset": {"-c", "-A", "-X"}, "rdesktop": {"-p"}, "smbmap": {"-p"},
	}
})

// logins are programs whose subcommand "login" has a password as the value of -p.
var logins = words("podman docker skopeo buildah helm oc az nerdctl oras crane flatpak npm twine")

func takesPassword(name, option string, args []string) bool {
	if slices.Contains(passwordOptions()[name], option) {
		return true
	}
	return option == "-p" && (logins()[name] && slices.Contains(args, "login") || name == "twine" || !noLogins()[name] && !mysqls()[name] && namesUser(args))
}

// namesUser reports whether arguments have a user, so that -p is the password. In other
// commands, -p is a port, a folder or a process.
func namesUser(args []string) bool {
	p := slices.Index(args, "-p")
	if p < 0 || p+1 == len(args) || !strings.ContainsFunc(args[p+1], unicode.IsLetter) || strings.ContainsAny(args[p+1], "/:,. ") {
		return false
	}
	return slices.ContainsFunc(args, func(a string) bool {
		return a == "-u" || a == "-U" || a == "--user" || a == "--username" || a == "user" || strings.HasPrefix(a, "--user=") || strings.HasPrefix(a, "--username=")
	})
}

// noLogins are programs whose -u and --user have no password.
var noLogins = words(`podman docker nerdctl systemd-run chown install su sudo runuser setpriv distrobox flatpak toolbox useradd usermod
	diff rsync ssh scp id chroot unshare journalctl systemctl loginctl git sort date ls pip cp mv tar`)

func takesLogin(name, option string) bool {
	switch option {
	case "-u", "--user", "--proxy-user", "-U", "--basic", "--userpass":
		return !noLogins()[name]
	case "-su", "-sSu", "-fsSu", "-ksu", "-ku", "-Lu", "-sLu", "-vu":
		return name == "curl"
	case "--auth":
		return true
	case "-a":
		return name == "http" || name == "https" || name == "httpie" || name == "xh"
	}
	return false
}

func cookieOption(name, option string) bool {
	return name == "curl" && option == "-b" || option == "--cookie"
}

// mysqls are programs with an option -pPASSWORD.
var mysqls = words("mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mariadb mariadb-dump mariadb-admin mycli sshpass 7z 7za 7zr 7zz unrar rar")

// attached scans options whose value is in the same word.
func (s *scan) attached(name string, args []string) {
	for _, arg := range args {
		switch {
		case mysqls()[name] && strings.HasPrefix(arg, "-p") && len(arg) > 2:
			s.addOption(arg[2:])
		case name == "openssl" && strings.HasPrefix(arg, "pass:"):
			s.addOption(arg[len("pass:"):])
		case strings.Contains(name, "freerdp") && strings.HasPrefix(arg, "/p:"):
			s.addOption(arg[len("/p:"):])
		case (strings.HasPrefix(arg, "--user=") || strings.HasPrefix(arg, "-u")) && takesLogin(name, "-u") && (name == "curl" || strings.HasPrefix(arg, "--")):
			if value := strings.TrimPrefix(strings.TrimPrefix(arg, "--user="), "-u"); strings.Contains(value, ":") {
				s.userPassword(value)
			}
		}
	}
}

// verbs are the subcommands after which names and values follow.
var verbs = words("set config configure")

// maxVerb is the number of arguments among which a verb is expected.
const maxVerb = 3

// setters are programs whose arguments are names and values even without a verb.
var setters = words("nmcli gsettings dconf crudini kwriteconfig5 kwriteconfig6 snap wpa_cli uci")

// settings scans values after their names, as in "git config NAME VALUE".
func (s *scan) settings(name string, args []string) {
	if !setters()[name] && !slices.ContainsFunc(args[:min(len(args), maxVerb)], func(a string) bool { return verbs()[a] }) {
		return
	}
	for i := 1; i < len(args); i++ {
		word, value := args[i-1], args[i]
		if strings.HasPrefix(word, "-") || strings.HasPrefix(value, "-") || verbs()[value] || strings.ContainsAny(word, "= ") {
			continue
		}
		word = word[strings.LastIndexByte(word, '/')+1:]
		word = word[strings.LastIndexByte(word, ':')+1:]
		class := nameClass(word)
		if first := wordsOf(word); len(first) > 1 && (verbs()[first[0]] || changes()[first[0]]) {
			continue // a subcommand
		}
		if isHex(value, 8) && publicPrograms()[name] && class == weak {
			continue
		}
		if isSecret(class, strings.Trim(value, `'"`)) && (class == strong || randomish(value)) {
			s.addOption(value)
		}
	}
}

// positional scans arguments that are passwords by their position.
func (s *scan) positional(name string, args []string) {
	last := args[len(args)-1]
	switch {
	case name == "wpa_passphrase" && len(args) == 2,
		strings.HasSuffix(name, "passwd") && slices.ContainsFunc(args, isBatch) && len(args) > 3,
		(name == "vault" || name == "bw") && (args[0] == "login" || args[0] == "unlock") && len(args) > 1 && !strings.HasPrefix(last, "-"),
		name == "ngrok" && len(args) > 1 && strings.Contains(strings.Join(args, " "), "authtoken"),
		name == "keyctl" && args[0] == "add" && len(args) > 3 && !strings.HasPrefix(args[3], "@"),
		len(args) > 1 && registers()[args[len(args)-2]] && (len(last) >= minAccount && strings.Trim(last, "0123456789") == "" || isGroups(last)),
		name == "openssl" && args[0] == "passwd" && len(args) > 1 && !strings.HasPrefix(last, "-"),
		name == "mysqladmin" && len(args) > 1 && args[len(args)-2] == "password",
		setsPassword(args):
		s.addOption(last)
	case (name == "smbclient" || name == "rpcclient") && slices.Contains(args, "-U"):
		for _, a := range args {
			if strings.Contains(a, "%") {
				s.userPassword(a)
			}
		}
	}
}

// registers are subcommands before a number that alone gives access, such as that of an
// account of a VPN, or of a licence.
var registers = words("login register activate redeem")

const minAccount = 12 // digits

// isBatch reports whether an argument has the option -b, with which htpasswd and similar
// programs read the password from the next arguments.
func isBatch(arg string) bool {
	return strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.Contains(arg, "b")
}

// changes are verbs of subcommands that set a password.
var changes = words("set change reset update add create")

// setsPassword reports whether a subcommand makes the last argument a password, as in
// "grdctl vnc set-password PASSWORD" or "add_user USER PASSWORD". A single argument is a
// password only if the subcommand needs no user.
func setsPassword(args []string) bool {
	i := slices.IndexFunc(args, func(a string) bool {
		verb := wordsOf(a)
		return len(verb) > 1 && changes()[verb[0]] && !strings.ContainsAny(a, "=/ ") && !strings.HasPrefix(a, "-") &&
			(nameClass(strings.Join(verb[1:], "-")) == strong || len(verb) == 2 && verb[1] == "user")
	})
	if i < 0 || slices.ContainsFunc(args[i:], func(a string) bool { return strings.HasPrefix(a, "-") }) {
		return false
	}
	switch verb := wordsOf(args[i]); len(args) - i - 1 {
	case 1:
		return passwordLike(args[i]) && (verb[0] == "set" || len(verb) > 2) && !slices.Contains(verb, "user")
	case 2:
		return true
	}
	return false
}

// passwordReaders are programs, with their arguments, that read a password from standard
// input.
var passwordReaders = []string{
	"chpasswd ", " passwd ", " vncpasswd ", " smbpasswd ", " kinit ", "keepassxc-cli ", "cryptsetup ", "sudo -S ", "--with-token ", "--passphrase-fd ",
	"secret-tool store ", "podman secret create ", "docker secret create ", "pass insert ", "rclone obscure ", "wg pubkey ",
	"gnome-keyring-daemon --unlock ", "systemd-creds encrypt ", "ssh-add - ", "htpasswd -i ",
}

// readsPassword reports whether a program reads a password from standard input: one of
// passwordReaders, or one with an option such as "--password-stdin" or
// "--password-file -".
func readsPassword(words []string) bool {
	all := " " + strings.Join(words, " ") + " "
	if slices.ContainsFunc(passwordReaders, func(r string) bool { return strings.Contains(all, r) }) {
		return true
	}
	for i, w := range words {
		option, value, isPair := strings.Cut(w, "=")
		long, isLong := strings.CutPrefix(option, "--")
		if !isLong || nameClass(long) != about {
			continue
		}
		if !isPair && i+1 < len(words) {
			value = words[i+1]
		}
		if strings.HasSuffix(long, "stdin") || value == "-" || value == "/dev/stdin" {
			return true
		}
	}
	return false
}

func prints(program string) bool { return program == "echo" || program == "printf" }

// printed scans the arguments of echo or printf for a program that reads a password.
func (s *scan) printed(name string, args []string) {
	if !prints(name) {
		return
	}
	for _, arg := range args {
		arg = strings.TrimSuffix(arg, `\n`)
		if strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "%") || strings.HasPrefix(arg, "$") {
			continue
		}
		if _, password, ok := strings.Cut(arg, ":"); ok {
			arg = password
		}
		if !strings.HasPrefix(arg, "$") {
			s.addOption(arg)
		}
	}
}

// A shellCommand is one command of a list.
type shellCommand struct {
	words []string
	piped bool // into the next
}

// shellCommands splits a text for a shell into commands and their words, without quotes.
// It is not a full parser: in complex commands, words may be wrong.
func shellCommands(text string) []shellCommand {
	var all []shellCommand
	var words []string
	var word strings.Builder
	quote, inWord := byte(0), false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
			inWord = true
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t':
			endWord()
		case strings.IndexByte(";|&\n()", c) >= 0:
			endWord()
			if len(words) > 0 {
				all = append(all, shellCommand{words, c == '|' && !strings.HasPrefix(text[i:], "||")})
			}
			words = nil
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	endWord()
	return append(all, shellCommand{words, false})
}

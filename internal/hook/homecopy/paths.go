package homecopy

// private are keys, passwords, tokens, and what shows the user's private life. Only the
// last element of a pattern has wildcards.
var private = []string{
	// keys
	".ssh", ".gnupg", ".local/share/gnupg", ".pki", ".age", ".config/age", ".config/sops",
	// passwords
	".password-store", ".local/share/password-store", ".local/share/keyrings", ".local/share/kwalletd", ".config/1Password", ".config/Bitwarden", ".config/keepassxc",
	".netrc", ".authinfo*", ".pgpass", ".my.cnf", ".mylogin.cnf", ".smbcredentials", ".msmtprc", ".config/msmtp", ".vault-token",
	// clouds
	".aws", ".azure", ".boto", ".s3cfg", ".oci", ".kube", ".config/gcloud", ".config/doctl", ".config/hcloud", ".config/op", ".config/rclone", ".config/helm", ".terraform.d", ".terraformrc",
	// registries and forges
	".docker", ".config/containers/auth.json", ".git-credentials", ".config/git/credentials", ".config/gh", ".config/glab-cli", ".config/hub",
	".npmrc", ".yarnrc.yml", ".pypirc", ".config/pypoetry/auth.toml", ".cargo/credentials*", ".m2/settings*.xml", ".gradle/gradle.properties", ".gem/credentials", ".bundle/config",
	".composer/auth.json", ".config/composer/auth.json", ".nuget",
	// browsers, mail and chats
	".mozilla", ".thunderbird", ".config/google-chrome*", ".config/chromium", ".config/BraveSoftware", ".config/microsoft-edge*", ".config/vivaldi", ".config/opera",
	".config/evolution", ".local/share/evolution", ".config/Signal", ".config/Slack", ".config/discord", ".config/Element", ".local/share/TelegramDesktop", ".var/app",
	// what was typed
	".*_history", ".local/share/fish/fish_history", ".local/share/*_history", ".viminfo", ".lesshst",
	// captured values
	".local/state/bkt",
}

// large are folders of programs that fill them again, and that may contain the engine
// itself.
var large = []string{".local/share/containers", ".local/share/bkt", ".local/share/docker", ".local/share/flatpak", ".local/share/Steam"}

// expendable are folders whose content any program may delete at any time.
var expendable = []string{".cache", ".local/share/Trash"}

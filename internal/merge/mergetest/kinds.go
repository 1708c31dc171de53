package mergetest

import "bkt/internal/manifest"

// A kind is a manifest whose items are edited.
type kind struct {
	path  string
	rest  string // what is not edited
	slots []slot
}

// A slot is a list or an object of a manifest that has items. In the JSON of its items, # is
// their number, and @ the variant of a field.
type slot struct {
	at     string // names of fields
	item   string // JSON of an item without its fields
	short  string // another form of an item that has no fields
	name   string // format of the names of items in an object; "": a list
	fixed  bool   // it is one object that is always there
	fields map[string]string
}

// scalar is the field of an item that is a scalar: the JSON of the item has @, or is a list
// of its variants.
const scalar = ""

const comment = `"text @"`

func texts(at, item string) slot { return slot{at: at, item: `"` + item + `"`} }

func scalars(at, name, value string) slot {
	return slot{at: at, name: name, item: value, fields: map[string]string{scalar: ""}}
}

func packages(path string) kind {
	return kind{path, `{"packages": []}`, []slot{
		{at: "packages", item: `{"name": "p#"}`, short: `"p#"`, fields: map[string]string{"comment": comment, "from_repo": `"r@"`, "setopt": `{"tsflags": "t@"}`}},
		texts("groups", "group#"), texts("excluded", "e#"), texts("removed", "r#"), texts("versionlock", "l#-1.0"),
		{at: "swap", item: `{"remove": "s#", "install": "i#"}`, fields: map[string]string{"comment": comment, "from_repo": `"r@"`}},
		{at: "copr_repos", item: `{"name": "me/c#"}`, fields: map[string]string{"chroot": `"epel-@-x86_64"`, "comment": comment}},
	}}
}

var kinds = []kind{
	{manifest.ImagePath, `{"$schema": "x", "toolbox": {"base": {"image": "a.example/b:1"}}}`, []slot{
		{at: "system", fixed: true, item: `{}`, fields: map[string]string{"name": `"a.example/s:@"`, "comment": comment, "base": `{"image": "a.example/b:@"}`}},
		{at: "toolbox", fixed: true, item: `{}`, fields: map[string]string{"comment": comment}},
		scalars("system.labels", "label%d", `"v@"`), scalars("toolbox.labels", "label%d", `"v@"`), scalars("system.build.args", "A%d", `"v@"`),
		texts("system.checks", "test #"),
	}},
	packages(manifest.SystemPackagesPath), packages(manifest.ToolboxPackagesPath),
	{manifest.ExternalReposPath, `{"repos": [{"name": "first", "display_name": "First", "baseurl": "https://a.example", "gpg_key": "https://a.example/key"}]}`, []slot{
		texts("repos[].packages", "p#"),
		{at: "repos", item: `{"name": "n#", "display_name": "N", "baseurl": "https://n#.example", "gpg_key": "https://n#.example/key"}`,
			fields: map[string]string{"comment": comment, "repo_gpgcheck": "true"}},
	}},
	{manifest.SystemConfigPath, `{"udev": {"x": 1}}`, []slot{
		{at: "kargs.append", item: `{"value": "k#"}`, short: `"k#"`, fields: map[string]string{"comment": comment, "arch": `["x86_64"]`}},
		texts("systemd.enable", "e#.service"), texts("systemd.disable", "d#.timer"), texts("systemd.mask", "m#.service"),
		texts("systemd.user.enable", "u#.service"),
		{at: "files", item: `{"src": "f#", "dest": "/etc/f#"}`, fields: map[string]string{"comment": comment, "mode": `"060@"`}},
	}},
	{manifest.SystemConfigPath, `{}`, []slot{{at: "kargs", item: `{"value": "k#"}`, short: `"k#"`, fields: map[string]string{"comment": comment}}}},
	{manifest.ToolchainsPath, `{}`, []slot{
		{at: "toolchains", item: `{"name": "t#", "url": {"x86_64": "https://a.example/#"}, "sha256": {"x86_64": "` + sum + `"}, "path": "/usr/bin/t#"}`,
			fields: map[string]string{"comment": comment, "state": `"~/.t@"`}},
	}},
	{manifest.DistroboxPath, `{"containers": {"first": {"image": "a.example/b:1"}}}`, []slot{
		{at: "containers", name: "c%d", item: `{"image": "a.example/c#:1"}`, fields: map[string]string{"image": `"a.example/d:@"`, "comment": comment, "init": "true"}},
		texts("containers.first.packages", "p#"), texts("containers.first.exported_apps", "a#"),
		{at: "containers.first.bins.also", item: `{"path": "/usr/bin/a#"}`, short: `"/usr/bin/a#"`, fields: map[string]string{"flags": `"-@"`, "sudo": "true"}},
		{at: "containers.first.bins.found", item: `{"name": "f#", "path": "/opt/f#"}`, fields: map[string]string{"comment": comment}},
		{at: "containers.first.init_hooks", item: `{"run": "run #"}`, short: `"run #"`, fields: map[string]string{"comment": comment, "as": `"root"`}},
		{at: "containers.first.pre_init_hooks", item: `{"run": "run #"}`, short: `"run #"`, fields: map[string]string{"comment": comment, "volatile": `["/v@"]`}},
		texts("containers.first.volume", "/v#:/v#"), texts("containers.first.path", "/p#"), texts("containers.first.additional_flags", "--flag=#"),
	}},
	{manifest.FlatpakInstallationsPath, `{"installations": [{"scope": "user", "languages": "en"}]}`, []slot{
		texts("installations[].masks", "org.example.M#"), texts("installations[].pins", "org.example.P#"),
		{at: "installations", item: `{"scope": "installation=s#", "path": "/var/s#"}`, fields: map[string]string{"comment": comment, "extra_languages": `"pt@"`}},
	}},
	{manifest.FlatpakRemotesPath, `{}`, []slot{
		{at: "remotes", item: `{"name": "r#", "url": "https://r#.example", "scope": "user"}`, fields: map[string]string{"comment": comment, "subset": `"s@"`, "disabled": "true"}},
	}},
	{manifest.FlatpakAppsPath, `{"apps": [{"id": "org.example.First", "remote": "flathub", "scope": "user"}]}`, []slot{
		texts("apps[].overrides", "--share=s#"),
		{at: "apps", item: `{"id": "org.example.A#", "remote": "flathub", "scope": "system"}`, fields: map[string]string{"remote": `"r@"`, "comment": comment}},
	}},
	{manifest.FlatpakOverridesPath, `{"overrides": [{"app": "global", "scope": "user", "flags": ["--share=ipc"]}]}`, []slot{
		texts("overrides[].flags", "--socket=s#"),
		{at: "overrides", item: `{"app": "org.example.A#", "scope": "user", "flags": ["--share=network"]}`, fields: map[string]string{"comment": comment}},
	}},
	{manifest.ServicesPath, `{"services": {}}`, []slot{
		scalars("services", "a%d.service", states), scalars("user", "b%d.timer", states),
	}},
	{manifest.ExtensionsPath, `{}`, []slot{
		{at: "extensions", item: `{"id": "e#\u0040example.org"}`, short: `"e#\u0040example.org"`, fields: map[string]string{"comment": comment, "version": `@`}},
	}},
	{manifest.SettingsPath, `{}`, []slot{
		{at: "settings", item: `{"schema": "org.example", "key": "k#", "value": "0"}`, fields: map[string]string{"value": `"@"`, "comment": comment}},
	}},
	{manifest.AppImagesPath, `{}`, []slot{
		{at: "apps", item: `{"name": "a#", "repo": "me/a#"}`, fields: map[string]string{"comment": comment, "prereleases": "true", "disabled": "true"}},
	}},
}

const states = `["enabled", "disabled", "masked"]`

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

package undeclared

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/script"
)

// A Taking is the result of moving losses into manifests.
type Taking struct {
	Manifests map[string][]byte // the new text of each changed manifest, by its path
	taken     map[string]bool   // by the key of the statement
	refused   map[string]error
}

// Take moves the losses that manifests can express into the manifests of repo.
func (l Losses) Take(repo fs.FS) Taking {
	t := taker{image: gen.ImageOf(l.file), repo: repo, manifests: map[string][]byte{}}
	result := Taking{t.manifests, map[string]bool{}, map[string]error{}}
	for _, s := range l.lost {
		done, err := t.take(s)
		result.taken[s.key()], result.refused[s.key()] = done && err == nil, err
	}
	return result
}

// Untaken returns an error for each section with losses that the manifests cannot
// express, or that no section renders. Comments are left out.
func (l Losses) Untaken(t Taking) []error {
	l = l.filter(func(s statement) bool { return s.Kind != script.Comment })
	unrendered := l.filter(t.isUnrendered)
	errs := unrendered.Findings("has text that no section in the file renders")
	for i := range errs {
		errs[i] = hint.Add(errs[i], "add the section with \"bkt containerfile sync --insert --take text%s\"", l.argument())
	}
	l = l.filter(func(s statement) bool { return !t.isUnrendered(s) })
	for i, err := range l.Findings("has text that no manifest can express") {
		for _, s := range l.bySection()[i] {
			for _, why := range reasons(t.refused[s.key()]) {
				err = hint.Add(err, "%s: %s", s, why)
			}
		}
		errs = append(errs, hint.Add(err, "move it out of the section, or drop the section's text with \"bkt containerfile sync --take manifest%s\"", l.argument()))
	}
	return errs
}

// isUnrendered reports whether a manifest has taken a statement that is still lost,
// because no section renders it. A lost image was replaced by another one.
func (t Taking) isUnrendered(s statement) bool { return t.taken[s.key()] && s.Kind != script.Image }

// reasons returns the hints of an error, or its text if it has none.
func reasons(err error) []string {
	hints := hint.Of(err)
	if err != nil && len(hints) == 0 {
		return []string{err.Error()}
	}
	return hints
}

// A taker puts statements into manifests.
type taker struct {
	image     gen.Image
	repo      fs.FS
	manifests map[string][]byte // that have been changed
}

// take moves s into the manifest for its kind, and reports whether the image has such
// a manifest.
func (t *taker) take(s statement) (bool, error) {
	if ofSystem(s.Kind) && t.image != gen.System || ofToolbox(s.Kind) && t.image != gen.Toolbox {
		return false, nil
	}
	switch s.Kind {
	case script.Package, script.Removed, script.Excluded, script.Copr:
		if t.external(s) {
			return true, nil
		}
		return true, edit(t, gen.PackagesManifest(t.image), func(p *manifest.Packages) error { return takePackage(p, s) })
	case script.EnabledFor, script.Other:
		if len(s.Of) == 0 {
			return false, nil
		}
		err := edit(t, gen.PackagesManifest(t.image), func(p *manifest.Packages) error { takeOption(p, s); return nil })
		return err == nil, nil // the error is about a package, which has it, too
	case script.Repository:
		return true, edit(t, manifest.ExternalReposPath, func(r *manifest.ExternalRepos) error { return takeRepository(r, s) })
	case script.Argument, script.Enable, script.Disable, script.Mask, script.Unmask, script.EnableUser, script.DisableUser, script.MaskUser:
		return true, edit(t, manifest.SystemConfigPath, func(c *manifest.SystemConfig) error { return takeConfig(c, s) })
	case script.File:
		return true, edit(t, manifest.SystemConfigPath, func(c *manifest.SystemConfig) error { return takeFile(c, s, t.repo) })
	case script.Image, script.Label:
		return true, edit(t, manifest.ImagePath, func(i *manifest.Images) error { return takeImage(i, t.image, s) })
	case script.Variable, script.Folder:
		return true, edit(t, manifest.DistroboxPath, func(b *manifest.Containers) error { return takeEnvironment(b, s) })
	}
	return false, nil
}

// external reports whether s is a package of a repository in external-repos.json.
func (t *taker) external(s statement) bool {
	d, err := read[manifest.ExternalRepos](t, manifest.ExternalReposPath)
	return err == nil && t.image == gen.System && s.Kind == script.Package &&
		slices.ContainsFunc(d.Content.Repos, func(r manifest.ExternalRepo) bool { return slices.Contains(r.Packages, s.Name) })
}

func ofSystem(k script.Kind) bool {
	return slices.Contains([]script.Kind{
		script.Repository, script.Argument, script.Enable, script.Disable, script.Mask, script.Unmask,
		script.EnableUser, script.DisableUser, script.MaskUser, script.File,
	}, k)
}

func ofToolbox(k script.Kind) bool { return k == script.Variable || k == script.Folder }

// read returns a manifest as it has been changed.
func read[T any](t *taker, path string) (manifest.Document[T], error) {
	if text, ok := t.manifests[path]; ok {
		content, source, err := manifest.Decode[T](path, text)
		return manifest.Document[T]{Path: path, Text: text, Content: content, Source: source}, err
	}
	return manifest.Read[T](t.repo, path)
}

// edit changes a manifest. If the result is not valid, it returns an error and
// changes nothing.
func edit[T any](t *taker, path string, change func(*T) error) error {
	d, err := read[T](t, path)
	if err != nil {
		return err
	}
	if err := change(&d.Content); err != nil {
		return err
	}
	text, err := manifest.Encode(d.Content)
	if err != nil {
		return err
	}
	t.manifests[path] = text
	return nil
}

func takePackage(p *manifest.Packages, s statement) error {
	group, isGroup := strings.CutPrefix(s.Name, "@")
	switch {
	case s.Kind == script.Copr:
		takeCopr(p, s)
	case s.Kind == script.Removed && slices.Contains(p.PackageNames(), s.Name), s.Kind == script.Package && slices.Contains(p.Removed, s.Name):
		return hint.Add(fmt.Errorf("%s: it would be in packages and in removed", s), "it would be in packages and in removed: add it to one of the two")
	case s.Kind == script.Removed:
		p.Removed = append(p.Removed, s.Name)
	case s.Kind == script.Excluded:
		p.Excluded = append(p.Excluded, s.Name)
	case isGroup:
		p.Groups = append(p.Groups, group)
	default:
		packageOf(p, s.Name)
	}
	return nil
}

// packageOf returns the package with that name, which it adds if p lacks it.
func packageOf(p *manifest.Packages, name string) *manifest.Package {
	i := slices.Index(p.PackageNames(), name)
	if i < 0 {
		i, p.Packages = len(p.Packages), append(p.Packages, manifest.PlainPackages(name)...)
	}
	return &p.Packages[i]
}

// takeOption sets an option of dnf install for the packages of the call. A repository on
// COPR that is declared is enabled for all packages.
func takeOption(p *manifest.Packages, s statement) {
	declared := func(c manifest.Copr) bool { return c.Enabled() && manifest.RepoID(c.Name) == s.Name }
	if s.Kind == script.EnabledFor && slices.ContainsFunc(p.Coprs, declared) {
		return
	}
	for _, name := range s.Of {
		one := packageOf(p, name)
		if s.Kind == script.EnabledFor {
			one.EnableRepo = append(one.EnableRepo, s.Name)
		} else {
			setOption(one, strings.TrimPrefix(s.Name, "dnf install "))
		}
	}
}

// setOption sets an option of dnf install.
func setOption(p *manifest.Package, text string) {
	name, value, _ := strings.Cut(strings.TrimPrefix(text, "--setopt="), "=")
	switch name {
	case "--allowerasing":
		p.AllowErasing = true
	case "--from-repo":
		p.FromRepo = value
	case "install_weak_deps":
		weak := value == "True"
		p.WeakDeps = &weak
	default:
		p.SetOpt = with(p.SetOpt, name, value)
	}
}

// takeCopr adds a repository on COPR, or enables it if the manifest disables it.
func takeCopr(p *manifest.Packages, s statement) {
	i := slices.IndexFunc(p.Coprs, func(c manifest.Copr) bool { return c.Name == s.Name })
	if i < 0 {
		i, p.Coprs = len(p.Coprs), append(p.Coprs, manifest.Copr{Name: s.Name})
	}
	p.Coprs[i].Disabled, p.Coprs[i].Unchecked = false, manifest.DefaultTrue(s.Repo != nil && s.Repo.Unchecked)
}

func takeRepository(r *manifest.ExternalRepos, s statement) error {
	if s.Repo.Unchecked {
		return hint.Add(fmt.Errorf("%s: the signatures of its packages are not checked", s), "set gpgcheck=1 and gpgkey")
	}
	if len(s.Repo.Packages) == 0 {
		return hint.Add(fmt.Errorf("%s: it does not name its packages", s), "name the packages that come from it in %s", manifest.ExternalReposPath)
	}
	repo := manifest.ExternalRepo{Name: s.Name, DisplayName: s.Repo.Name, BaseURL: s.Repo.BaseURL, GPGKey: s.Repo.GPGKey, Packages: s.Repo.Packages}
	if i := slices.IndexFunc(r.Repos, func(other manifest.ExternalRepo) bool { return other.Name == s.Name }); i >= 0 {
		repo.OptPath, repo.LayerGroup, repo.Comment = r.Repos[i].OptPath, r.Repos[i].LayerGroup, r.Repos[i].Comment
		r.Repos[i] = repo
		return nil
	}
	r.Repos = append(r.Repos, repo)
	return nil
}

func takeConfig(c *manifest.SystemConfig, s statement) error {
	if s.Kind == script.Argument {
		takeArgument(&c.Kargs, s)
		return nil
	}
	u := &c.Systemd
	list := map[script.Kind]*[]string{
		script.Enable: &u.Enable, script.Disable: &u.Disable, script.Mask: &u.Mask, script.Unmask: &u.Unmask,
		script.EnableUser: &u.User.Enable, script.DisableUser: &u.User.Disable, script.MaskUser: &u.User.Mask,
	}[s.Kind]
	*list = append(*list, s.Name)
	return nil
}

// takeArgument adds a kernel argument, or one of its architectures.
func takeArgument(k *manifest.Kargs, s statement) {
	i := slices.IndexFunc(k.Append, func(a manifest.Karg) bool { return a.Value == s.Name && len(a.Arch) > 0 })
	switch {
	case s.Value == "":
		k.Append = append(k.Append, manifest.Karg{Value: s.Name, Bare: true})
	case i < 0:
		k.Append = append(k.Append, manifest.Karg{Value: s.Name, Arch: []string{s.Value}})
	default:
		k.Append[i].Arch = append(slices.Clone(k.Append[i].Arch), s.Value)
	}
}

// takeFile takes a file, with the mode that COPY gives it, or a folder.
func takeFile(c *manifest.SystemConfig, s statement, repo fs.FS) error {
	info, err := fs.Lstat(repo, s.Value)
	if err != nil {
		return fmt.Errorf("%s: %w", s, patherr.Reason(err))
	}
	f := manifest.SystemFile{Source: s.Value, Dest: s.Name}
	if !strings.HasPrefix(s.Value, "system/") {
		f.Source = "./" + s.Value
	}
	switch {
	case info.IsDir() && s.Mode != "":
		return hint.Add(fmt.Errorf("%s: a folder, whose files have no common mode", s), "copy it without a mode")
	case info.Mode().IsRegular():
		f.Mode = takenMode(s.Mode, info)
	case info.Mode().Type() == fs.ModeSymlink:
		return hint.Add(fmt.Errorf("%s: a symbolic link, which COPY follows", s), "copy the file that it leads to")
	}
	c.Files = slices.DeleteFunc(c.Files, func(other manifest.SystemFile) bool { return other.Dest == f.Dest })
	c.Files = append(c.Files, f)
	return nil
}

// takenMode returns the mode for the manifest of a file that COPY gives a mode: none if
// that is the default. Without a mode, whether git has it as executable decides.
func takenMode(mode string, info fs.FileInfo) string {
	mode = strings.TrimLeft(mode, "0")
	if executable := info.Mode()&0o111 != 0; mode == "" || mode == "755" && executable || mode == "644" && !executable {
		return ""
	}
	return "0" + mode
}

func takeImage(i *manifest.Images, k gen.Image, s statement) error {
	image := &i.System
	if k == gen.Toolbox {
		image = &i.Toolbox
	}
	if s.Kind == script.Image {
		image.Base.Image, image.Base.Digest, _ = strings.Cut(s.Name, "@")
		return nil
	}
	image.Labels = with(image.Labels, s.Name, s.Value)
	return nil
}

func takeEnvironment(b *manifest.Containers, s statement) error {
	name, ok := b.Toolbox()
	if !ok {
		return hint.Add(fmt.Errorf("%s: no container is declared for the toolbox image", s), "declare the container %q in %s", manifest.ToolboxContainer, manifest.DistroboxPath)
	}
	box := b.Containers[name]
	if s.Kind == script.Variable {
		box.Env = with(box.Env, s.Name, s.Value)
	} else {
		box.Path = append(box.Path, s.Name)
	}
	b.Containers = with(b.Containers, name, box)
	return nil
}

// with returns a map with one more value.
func with[T any](m map[string]T, name string, value T) map[string]T {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]T{}
	}
	m[name] = value
	return m
}

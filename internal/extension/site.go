package extension

import (
	"fmt"
	"net/url"
	"strings"
)

// release returns the URL of a release of an extension at extensions.gnome.org: the
// declared version, or the newest for this shell. missing is the error if it does not
// exist.
func (s snapshot) release(want extension) (address, missing string) {
	site, id := strings.TrimSuffix(s.Site, "/"), url.PathEscape(want.ID)
	if want.Version != 0 {
		return fmt.Sprintf("%s/api/v1/extensions/%s/versions/%d/?format=zip", site, id, want.Version),
			fmt.Sprintf("version %d of it does not exist", want.Version)
	}
	return fmt.Sprintf("%s/download-extension/%s.shell-extension.zip?shell_version=%s", site, id, url.QueryEscape(s.shell)),
		fmt.Sprintf("it has no release for GNOME Shell %s", s.shell)
}

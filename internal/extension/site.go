package extension

import (
	"fmt"
	"net/url"
	"strings"
)

// release returns the URL of a release of an extension at extensions.gnome.org: the
// declared version, or the newest for this shell. missing is the error if there is
// none.
func (s snapshot) release(want extension) (address, missing string) {
	site, id := strings.TrimSuffix(s.Site, "/"), url.PathEscape(want.ID)
	if want.Version != 0 {
		return fmt.Sprintf("%s/api/v1/extensions/%s/versions/%d/?format=zip", site, id, want.Version),
			fmt.Sprintf("there is no version %d of it", want.Version)
	}
	return fmt.Sprintf("%s/download-extension/%s.shell-extension.zip?shell_version=%s", site, id, url.QueryEscape(s.shell)),
		fmt.Sprintf("there is no release of it for GNOME Shell %s", s.shell)
}

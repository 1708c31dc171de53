package extension

import (
	"fmt"
	"net/url"
	"strings"
)

// release returns the URL of the release of an extension at
// extensions.gnome.org: of the version that is declared, or else of the newest
// one for this shell. missing says what it means that there is none.
func (s snapshot) release(want extension) (address, missing string) {
	site, id := strings.TrimSuffix(s.Site, "/"), url.PathEscape(want.ID)
	if want.Version != 0 {
		return fmt.Sprintf("%s/api/v1/extensions/%s/versions/%d/?format=zip", site, id, want.Version),
			fmt.Sprintf("there is no version %d of it", want.Version)
	}
	return fmt.Sprintf("%s/download-extension/%s.shell-extension.zip?shell_version=%s", site, id, url.QueryEscape(s.shell)),
		fmt.Sprintf("there is no release of it for GNOME Shell %s", s.shell)
}

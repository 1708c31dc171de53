package host

import "os"

// UseTempDir calls use with the path of a new folder, which it deletes afterwards. Other
// users cannot read the folder.
func (Executor) UseTempDir(use func(dir string) error) error {
	dir, err := os.MkdirTemp("", "bkt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return use(dir)
}

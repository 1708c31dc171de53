package gen

import "bkt/internal/manifest"

// Entry is [manifest.Entry].
type Entry = manifest.Entry

package gen

// Kind is [Image].
type Kind = Image

// KindOf is [ImageOf].
func KindOf(name string) Kind { return ImageOf(name) }

// Kinds is [Images].
func Kinds() []Kind { return Images() }

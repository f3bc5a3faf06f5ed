package digest

// Canon names the canonical form of a column: the text under which the value
// that left the source and the value that the target gives back are equal when
// nothing but the announced loss happened.
type Canon string

// The canonical forms. The empty Canon is the COPY TEXT form itself.
const (
	Text   Canon = ""       // compared byte for byte
	Float4 Canon = "float4" // rounded to single precision, shortest text
)

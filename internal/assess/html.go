package assess

import (
	"html"
	"io"
	"strings"
)

// HTML writes the report as a page: Markdown as it stands, for now.
func (r *Report) HTML(w io.Writer) error {
	var b strings.Builder
	if err := r.Markdown(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, "<pre>"+html.EscapeString(b.String())+"</pre>")
	return err
}

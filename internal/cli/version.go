package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/ui"
)

func versionCommand() command {
	return command{
		name: cmdVersion, usage: "print the version", about: "Prints the version, the commit it was built from, and Go's version.",
		options: []string{"json"},
		run: func(_ context.Context, p *program, _ *config.Config) (Code, error) {
			b := build()
			if p.json {
				p.lines.Write("version", ui.Object{{Key: "version", Value: b.version}, {Key: "commit", Value: b.commit}, {Key: "go", Value: runtime.Version()}})
				return OK, nil
			}
			_, err := fmt.Fprintf(p.streams.Out, "pg2db9 %s (commit %s, %s)\n", b.version, b.commit, runtime.Version())
			return OK, err
		},
	}
}

type buildInfo struct{ version, commit string }

// build is what the Go toolchain recorded.
func build() buildInfo {
	out := buildInfo{version: "development", commit: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		out.version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			out.commit = s.Value[:12]
		}
	}
	return out
}

func version() string { return build().version }

package config

import "strings"

// Bench holds the values of bench's own options.
type Bench struct {
	// Lists with commas: every value is measured with every other.
	JobsList   string // --jobs of bench
	KeyList    string // --primary-key of bench
	BatchRows  string
	BatchBytes string
	Pipeline   string
	Order      string
	Shape      string
	LikeTable  string
	Size       string
	Duration   string
	WarmUp     string
	Repeat     int
	Seed       int
	Search     bool
	Results    []string // --result
	Append     bool
	ApplyTo    string
	Threshold  string
}

// ofBench marks the name of an option that bench has in a form of its own.
const ofBench = "@bench"

// variants are the options that a command has in a form of its own, by their name
// and what marks it.
var variants = map[string]Option{
	"jobs" + ofBench: {
		Name: "jobs", Aliases: []string{"j"}, Kind: Text, Default: "4", Holder: "N,N...", ref: func(c *Config) any { return &c.JobsList },
		Usage: "measure with `N,N...` jobs",
	},
	"primary-key" + ofBench: {
		Name: "primary-key", Kind: Text, Holder: "WHERE,...", ref: func(c *Config) any { return &c.KeyList },
		Usage: "measure with primary keys made inline, after (the rows), or both: `WHERE,...`; without it as the profile says",
	},
}

// NameOf is the name by which users know an option.
func NameOf(name string) string {
	name, _, _ = strings.Cut(name, "@")
	return name
}

var benchOptions = []Option{
	{
		Name: "batch-rows", Kind: Text, Holder: "N,N...", ref: func(c *Config) any { return &c.BatchRows },
		Usage: "measure with transactions of at most `N,N...` rows (0: no bound); without it as the profile says",
	},
	{
		Name: "batch-bytes", Kind: Text, Holder: "SIZE,...", ref: func(c *Config) any { return &c.BatchBytes },
		Usage: "measure with transactions of at most `SIZE,...` of COPY TEXT (1MB; 0: no bound); without it as the profile says",
	},
	{
		Name: "pipeline", Kind: Text, Holder: "N,N...", ref: func(c *Config) any { return &c.Pipeline },
		Usage: "measure with `N,N...` batches sent on a connection before the first one's answer is read; without it as the profile says",
	},
	{
		Name: "order", Kind: Text, Default: "key", Holder: "ORDER,...", ref: func(c *Config) any { return &c.Order },
		Usage: "the order in which keys of made rows come: `ORDER,...` is key (ascending), random (spread over all of the range), or both",
	},
	{
		Name: "shape", Kind: Text, Default: "mixed", Holder: "SHAPE,...", ref: func(c *Config) any { return &c.Shape },
		Usage: "what made rows look like: `SHAPE,...` of narrow, wide, text, json, vector, numeric, toast, mixed, or a YAML file of columns (docs/bench.md)",
	},
	{
		Name: "like-table", Kind: Text, Holder: "SCHEMA.TABLE", ref: func(c *Config) any { return &c.LikeTable },
		Usage: "make rows like those of the source's `SCHEMA.TABLE`, by the types of its columns and the server's statistics; its rows are not read",
	},
	{
		Name: "size", Kind: Text, Holder: "SIZE", ref: func(c *Config) any { return &c.Size },
		Usage: "send `SIZE` (500MB) of rows in each run; without it, and with --duration, runs end by time",
	},
	{
		Name: "duration", Kind: Text, Holder: "TIME", ref: func(c *Config) any { return &c.Duration },
		Usage: "end each run after `TIME` (10s, unless --size is given)",
	},
	{
		Name: "warmup", Kind: Text, Default: "0s", Holder: "TIME", ref: func(c *Config) any { return &c.WarmUp },
		Usage: "leave the first `TIME` of each run out at least; what else is not steady is found and left out anyway",
	},
	{
		Name: "repeat", Kind: Number, Default: "3", Holder: "N", ref: func(c *Config) any { return &c.Repeat },
		Usage: "make `N` runs of each choice of settings, all in turn",
	},
	{
		Name: "seed", Kind: Number, Default: "1", Holder: "N", ref: func(c *Config) any { return &c.Seed },
		Usage: "make the rows that belong to seed `N`",
	},
	{
		Name: "search", Kind: Switch, ref: func(c *Config) any { return &c.Search },
		Usage: "climb to the best settings, a step at a time, instead of measuring all of them; settings that are not named are tried too",
	},
	{
		Name: "result", Kind: List, Holder: "FILE", ref: func(c *Config) any { return &c.Results },
		Usage: "write the result to `FILE`.json, FILE.csv or FILE.html; may be repeated; of bench estimate the JSON to go by",
	},
	{
		Name: "append", Kind: Switch, ref: func(c *Config) any { return &c.Append },
		Usage: "add the runs to a result that is there already (.json), as bench compare needs them: two programs in turn",
	},
	{
		Name: "apply-to", Kind: Text, Holder: "FILE", ref: func(c *Config) any { return &c.ApplyTo },
		Usage: "write the recommended settings to the configuration `FILE`, for --config",
	},
	{
		Name: "threshold", Kind: Text, Default: "5", Holder: "PERCENT", ref: func(c *Config) any { return &c.Threshold },
		Usage: "slower by more than `PERCENT` is a regression: exit code 3",
	},
}

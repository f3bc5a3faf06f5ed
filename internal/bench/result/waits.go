package result

import (
	"math"

	"github.com/pg2db9/pg2db9/internal/ui/htmlpage"
)

var waitClasses = []string{"blocked", "changed", "carried", "size", "left"}

// waitBar shows what jobs did with their time.
func waitBar(w Waits) htmlpage.Bar {
	n := func(f float64) int { return int(math.Round(1000 * f)) }
	bar := htmlpage.NewBar(waitClasses, n(w.Source), n(w.Network), n(w.Target), n(w.Client), n(w.Other))
	names := map[string]string{"blocked": "source", "changed": "network", "carried": "target", "size": "client", "left": "other"}
	for i := range bar {
		bar[i].Label = "‰ " + names[bar[i].Label]
	}
	return bar
}

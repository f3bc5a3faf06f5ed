package pgtest_test

import (
	"testing"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// BenchmarkCluster is what a test process pays once: initdb, start, stop.
func BenchmarkCluster(b *testing.B) {
	for b.Loop() {
		b.Run("", func(b *testing.B) { pgtest.New(b, pgtest.ClusterOptions{}) })
	}
}

// BenchmarkDatabase is what a test pays.
func BenchmarkDatabase(b *testing.B) {
	c := pgtest.Server(b)
	for b.Loop() {
		c.Database(b)
	}
}

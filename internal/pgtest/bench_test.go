package pgtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

// BenchmarkCluster is what a test process pays once: initdb, start, stop.
func BenchmarkCluster(b *testing.B) {
	for b.Loop() {
		c, err := pgserver.New(b.Context(), pgserver.Options{})
		require.NoError(b, err)
		require.NoError(b, c.Close(b.Context()))
	}
}

// BenchmarkDatabase is what a test pays for its own: CREATE DATABASE.
func BenchmarkDatabase(b *testing.B) {
	c := pgtest.Server(b)
	for b.Loop() {
		c.Database(b)
	}
}

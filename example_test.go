package lrun_test

import (
	"context"
	"fmt"
	"log"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/testdata"
)

// Continue a text with the embedded model; a checkpoint folder opens with lrun.Open(dir).
func Example() {
	m, err := lrun.OpenFS(testdata.Tiny(), "tiny", lrun.WithBackend("cpu"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	var result lrun.Result
	options := []lrun.GenerateOption{lrun.WithTemperature(0), lrun.WithMaxTokens(12), lrun.WithResult(&result)}
	for token, err := range m.Generate(context.Background(), "Once upon a time", options...) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(token.Text)
	}
	fmt.Printf("\n%d tokens read, %d made, %s\n", result.PromptTokens, result.Generated, result.FinishReason)
	// Output:
	// , and the fire, and the fire, and
	// 7 tokens read, 12 made, length
}

// A session keeps its cache: the second turn reads only the new words.
func ExampleSession_Generate() {
	m, err := lrun.OpenFS(testdata.Tiny(), "tiny", lrun.WithBackend("cpu"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for _, prompt := range []string{"The wolf", " and the bear"} {
		var r lrun.Result
		for _, err := range s.Generate(context.Background(), prompt, lrun.WithTemperature(0), lrun.WithMaxTokens(5), lrun.WithResult(&r)) {
			if err != nil {
				log.Fatal(err)
			}
		}
		fmt.Printf("%d tokens of prompt, %d from the cache, %d in all\n", r.PromptTokens, r.CachedTokens, r.Kept)
	}
	// Output:
	// 5 tokens of prompt, 0 from the cache, 10 in all
	// 4 tokens of prompt, 9 from the cache, 19 in all
}

// The log-probability of each token says how well a model knows a text.
func ExampleModel_Score() {
	m, err := lrun.OpenFS(testdata.Tiny(), "tiny", lrun.WithBackend("cpu"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	tokens, err := m.Score(context.Background(), "Once upon a time")
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tokens[1:] {
		fmt.Printf("%q %.2f\n", t.Text, t.LogProb)
	}
	// Output:
	// "O" -7.09
	// "n" -4.25
	// "ce" -1.27
	// " upon" -5.53
	// " a" -2.42
	// " time" -5.39
}

// A batch continues several sessions in the same steps; others may join while it runs.
func ExampleBatch() {
	m, err := lrun.OpenFS(testdata.Tiny(), "tiny", lrun.WithBackend("cpu"))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	b := m.NewBatch()
	prompts := []string{"Once upon a time", "The wolf and the bear"}
	texts := map[*lrun.Session]string{}
	var sessions []*lrun.Session
	for _, p := range prompts {
		s, err := m.NewSession()
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		if err := b.Add(context.Background(), s, p, lrun.WithTemperature(0), lrun.WithMaxTokens(6)); err != nil {
			log.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	for token, err := range b.Run(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		texts[token.Session] += token.Text
	}
	for i, s := range sessions {
		fmt.Printf("%s|%s\n", prompts[i], texts[s])
	}
	// Output:
	// Once upon a time|, and the fire,
	// The wolf and the bear| of the fire, and
}

// Package trace keeps what a long-context memory did while a model answered, and shows it: which blocks of the text each
// layer looked up for each token of the answer, and which of them it had to fetch from host memory.
//
// A [Trace] is one JSON object; [Read] and [Trace.Write] are its file, and [Trace.Page] draws it as one HTML file that
// needs nothing else: no network, no program but a browser.
//
// A page holds the text of every block that was looked up, so whoever may see the page may read those parts of the text.
package trace

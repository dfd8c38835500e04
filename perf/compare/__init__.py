"""`python -m perf compare OLD NEW [MORE…]`: files of Go benchmark output against one another, judged.

The way of the data: `sources` reads files into samples, `samples` groups lines by benchmark and configuration, `keys`
and `layout` say which belong to one row and which to one column, `judge` compares the two sides of every row, `board`
puts it together (`model` has its nouns), `render` and `export` write it as text. Only `sources` and `command` touch
the outside.

Exit codes, for a job that runs this as its gate:

0: every comparison was decided, and none is a regression.
1: at least one regression: worse by the least effect or more, and certain when all rows of the board are counted in
   (the chance of one false alarm or more among all tested rows is at most alpha, by Holm's procedure, as far as
   samples of equal code are alike on both sides: see below). Allocations are counted, not tested.
2: wrong use: a file that is missing or holds no benchmark line, an option that means nothing.
4: no regression, but something could not be told; its row says why and what it would take. Nothing on both sides is
   "could not be told" too. A job that takes this for a pass has to say so itself: a check that was not made is no pass.

benchstat always ends with 0; there the reader is the gate.

Two files are two runs. Their samples are not interleaved, and two runs of equal code on one machine differ by more
than the samples of either show, so a verdict on time from them comes with a warning. What takes the doubt away is to
measure both sides in turn (old, new, new, old, …) and to say --paired; what allows for it is --between-runs.
"""

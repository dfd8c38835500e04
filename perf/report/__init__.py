"""Records of runs to text: JSON, Markdown, a terminal. Pure: values in, text out; the caller writes."""

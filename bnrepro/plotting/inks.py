"""The colors of what is no data: text, axes, what is set back, lines behind. Loads no library, so that colors cost no time."""

INK, GREY, FAINT = "#262626", "#737373", "#E6E6E6"

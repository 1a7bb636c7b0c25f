"""The style sheet of a run's page: readable on a phone, in the dark and in print.

The two curve colours are blue and vermilion of Okabe and Ito's palette, which colour-blind readers can tell
apart; the training curve is dashed as well.
"""

VALIDATION_COLOUR = "#0072b2"
TRAINING_COLOUR = "#c25100"
"""The colours of the curves by day, on the page as in pictures."""

STYLE = (
    f":root {{ --validation: {VALIDATION_COLOUR}; --training: {TRAINING_COLOUR}; }}"
    """
:root { color-scheme: light dark; --ground: #ffffff; --card: #f3f5f7; --ink: #1a1d21; --soft: #5a6370;
  --line: #cdd3da; --heat: 0, 114, 178; --bad: #a33a00; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1f2429; --ink: #e8ebee;
  --soft: #a3adb8; --line: #3a424b; --validation: #56b4e9; --training: #f0a060; --heat: 0, 114, 178;
  --bad: #ffab70; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { margin: 1rem 0 .3rem; font-size: 1rem; }
p { margin: .4rem 0; max-width: 45rem; }
.soft, figcaption { color: var(--soft); font-size: .875rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; }
.card { background: var(--card); border-radius: .5rem; padding: .7rem .8rem; }
.card b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.doubtful b { color: var(--soft); font-weight: 400; }
.doubtful strong { color: var(--bad); }
.verdict { background: var(--card); border-left: .3rem solid var(--validation); border-radius: .3rem;
  padding: .7rem 1rem; max-width: none; }
.warning { background: var(--card); border-left: .3rem solid var(--bad); border-radius: .3rem;
  padding: .7rem 1rem; max-width: none; }
.mark { color: var(--bad); font-size: 1.25rem; font-weight: 700; line-height: 1.3; }
.badge { color: var(--validation); font-weight: 700; white-space: nowrap; }
.unranked { color: var(--soft); font-style: italic; font-weight: 400; }
.rows th { vertical-align: bottom; }
.rows tbody th { position: sticky; left: 0; background: var(--ground); min-width: 8rem; vertical-align: top; }
.rows .soft { font-size: .75rem; font-weight: 400; }
.figures thead th:not(:first-child) { text-align: right; }
.verdict ul { margin: 0; padding-left: 1rem; }
.plot img { display: block; width: 100%; max-width: 36rem; height: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; }
.charts figcaption { color: var(--ink); font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--line); stroke-width: .5; }
.boundary { stroke: var(--soft); stroke-dasharray: 2 4; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.training { stroke: var(--training); stroke-dasharray: 6 4; }
.validation { stroke: var(--validation); }
.dot { stroke-width: 6; stroke-dasharray: none; }
.mark { fill: none; stroke: var(--ink); stroke-width: 2; }
.key { display: inline-block; width: 2rem; height: .8rem; vertical-align: -.1rem; }
.scroll { overflow-x: auto; }
.hint { display: none; }
@media (max-width: 48rem) { .hint { display: inline; } }
.hint.always { display: inline; }
table { border-collapse: collapse; font-size: .875rem; }
table { overflow-wrap: normal; }
.pairs { overflow-wrap: anywhere; }
.pairs th { min-width: 8rem; font-weight: 400; color: var(--soft); }
th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 26rem) { th, td { padding-inline: .3rem; } th:first-child { padding-left: 0; } }
.confusion th, .confusion td { border: 1px solid var(--line); text-align: center; padding: .25rem .35rem;
  white-space: nowrap; }
.confusion tbody th { position: sticky; left: 0; background: var(--ground); text-align: right;
  max-width: 9rem; overflow: hidden; text-overflow: ellipsis; }
@media (max-width: 26rem) { .confusion { font-size: .8rem; }
  .confusion th, .confusion td { padding-inline: .2rem; } .confusion tbody th { max-width: 6rem; } }
.confusion thead th { vertical-align: bottom; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem;
  overflow: hidden; text-overflow: ellipsis; }
.right { outline: 2px solid var(--soft); outline-offset: -3px; }
.bad { color: var(--bad); font-weight: 600; }
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .8rem; }
.photos img, .photos .missing { width: 100%; height: 10rem; object-fit: contain; background: var(--card);
  border-radius: .3rem; display: block; }
.photos .missing { padding: .5rem; color: var(--soft); font-size: .875rem; }
.photos figcaption { color: var(--ink); }
.place { color: var(--soft); font-size: .75rem; line-height: 1.3; user-select: all; }
details { margin: .5rem 0; }
summary { cursor: pointer; font-weight: 600; }
code { font-size: .9em; }
""" + "\n".join(f".s{tenth} {{ background: rgba(var(--heat), {tenth / 10:.1f}); }}" for tenth in range(1, 8))
)

// How the HTML report looks, on a screen and on paper. Nothing is told by colour alone.

export const style: string = `
:root { color: #1b1b1b; background: #fff; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.7rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2rem 0 .75rem; border-bottom: 2px solid #1b1b1b; }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: .4rem 0; }
code, pre, .lines { font-family: ui-monospace, monospace; font-size: .85rem; }
pre { margin: .25rem 0 .75rem; padding: .6rem .8rem; background: #f1f3f5; border: 1px solid #c9ced4;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.overall { font-size: 1.15rem; font-weight: 600; padding: .6rem .9rem; border: 2px solid; }
.not-ready { color: #8f1414; background: #fdf0f0; }
.open { color: #6b4700; background: #fff8e6; }
.ready { color: #14532d; background: #eefaf1; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .75rem 0; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
article { border: 1px solid #c9ced4; border-left: .4rem solid; padding: .8rem 1rem; margin: 0 0 1rem; }
article.violated { border-left-color: #b42323; }
article.undetermined { border-left-color: #946200; }
.tag { font-size: .8rem; font-weight: 600; border: 1px solid; border-radius: .2rem; padding: 0 .4rem;
  margin-left: .4rem; white-space: nowrap; }
.quiet { color: #4d5358; font-size: .9rem; }
.remedy { background: #eef5fc; border: 1px solid #9dbfdf; padding: .5rem .8rem; margin: .6rem 0; }
summary { cursor: pointer; color: #3b4045; font-size: .9rem; }
summary:focus-visible { outline: 3px solid #1a5fb4; }
.lines { list-style: none; margin: .3rem 0 .6rem; padding: 0; }
.lines li { display: grid; grid-template-columns: 5.5rem 1.5rem 1fr; gap: .5rem; overflow-wrap: anywhere; }
.lines .time { text-align: right; color: #4d5358; }
.lines .server { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #d6dade;
  overflow-wrap: anywhere; }
footer { margin-top: 2rem; }
@media print {
  :root { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  article, tr, pre { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`

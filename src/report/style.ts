import { declarations } from './colours.js';

/** The page's style sheet: system fonts, light and dark, one column on a phone. */
export const STYLE = `
:root{color-scheme:light dark;${declarations('light')}}
@media screen and (prefers-color-scheme:dark){:root{${declarations('dark')}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,header,footer{max-width:1240px;margin:0 auto;padding:0 16px}
h1{font-size:clamp(1.6rem,4vw,2.3rem);line-height:1.2;margin:1.4em 0 .2em;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 .5em}
h3{font-size:.86rem;font-weight:600;line-height:1.35;margin:0 0 .35em;overflow-wrap:anywhere}
p{max-width:76ch}
.soft,footer{color:var(--soft)}
a{color:var(--distilled);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--distilled);outline-offset:3px;border-radius:3px}
.skip{position:absolute;left:-999px;top:0;background:var(--paper);padding:.5em 1em;z-index:1}
.skip:focus{left:8px;top:8px}
nav{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.7em 1em;margin:1.4em 0 2.4em}
nav ol{margin:0;padding-left:1.4em;columns:3 16rem;column-gap:2.5rem}
nav li{break-inside:avoid;padding:.12em 0}
section{margin:0 0 3.6em;scroll-margin-top:1em}
figure{margin:0}
figcaption{max-width:88ch;margin-top:.7em;font-size:.95rem}
.panels{display:grid;gap:18px 16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,max(260px,(100% - (var(--columns) - 1)*16px)/var(--columns))),1fr))}
.panel{min-width:0}
.panel svg{display:block;width:100%;height:auto;border-radius:4px}
.single .panel{max-width:640px}
.legend{display:flex;flex-wrap:wrap;gap:.3em 1.3em;list-style:none;margin:.9em 0 0;padding:0;font-size:.88rem}
.legend li{display:flex;align-items:center;gap:.5em}
.legend svg{flex:none;width:28px;height:14px}
svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.scroll{overflow-x:auto;margin:.4em 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;width:100%}
caption{text-align:left;font-weight:600;padding:.7em .8em}
th,td{padding:.42em .8em;text-align:right;white-space:nowrap;border-top:1px solid var(--line);vertical-align:baseline}
thead th{white-space:normal;vertical-align:bottom;color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left}
tbody th{font-weight:500}
td small,th small{display:block;color:var(--soft);font-size:.82em}
td .sure{color:var(--ink);font-weight:600}
details{margin:.8em 0}
summary{cursor:pointer;font-weight:600;padding:.3em 0}
footer{border-top:1px solid var(--line);padding-top:1em;padding-bottom:3em;font-size:.88rem}
@media print{nav,.skip{display:none}section{break-inside:avoid}.scroll{overflow:visible}body{font-size:11pt}}
`.trim();

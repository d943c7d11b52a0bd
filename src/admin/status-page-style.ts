// The style of the page for people. One constant text, so that the page's content security policy can name its hash.

export const statusPageStyle = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6875;--line:#e2e6eb;--card:#fff;--back:#f5f6f8;--good:#1a7f4b;
--goodback:#e3f4ea;--bad:#b42a2a;--badback:#fbe6e6;--link:#1d5fb8}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#95a0ae;--line:#2b323c;--card:#1a2028;--back:#12161c;
--good:#5fce94;--goodback:#17382a;--bad:#f28b8b;--badback:#432023;--link:#83b4f5}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.5rem}
header{display:flex;align-items:baseline;gap:.75rem;flex-wrap:wrap;margin-bottom:1.25rem}
h1{font-size:1.4rem;margin:0}
h2{font-size:.8rem;margin:0 0 .6rem;color:var(--soft);text-transform:uppercase;letter-spacing:.06em}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.2rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem;margin-bottom:1rem}
.soft{color:var(--soft)}
.tag{border-radius:1rem;padding:.1rem .65rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.good{color:var(--good);background:var(--goodback)}
.bad{color:var(--bad);background:var(--badback)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem .9rem;margin:0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
nav{display:flex;gap:.9rem;margin-bottom:.8rem;font-size:.9rem}
nav [aria-current]{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th{text-align:left;color:var(--soft);font-weight:500}
th,td{padding:.4rem .8rem .4rem 0;border-top:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}
code,.mono{font:.86em ui-monospace,monospace}
footer{margin-top:1rem;font-size:.85rem}
`;

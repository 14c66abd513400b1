/** The style of the report, in light and in dark. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1b2430, #e4e9f0); --soft: light-dark(#5b6878, #9aa7b6); --line: light-dark(#d5dce4, #38424f);
  --paper: light-dark(#ffffff, #14191f); --panel: light-dark(#f5f7f9, #1c232b); --sent: light-dark(#2563a8, #6cabf0); --held: light-dark(#1a7f37, #4cc26b);
  --wrong: light-dark(#b3261e, #ff8a80); --wait: light-dark(#b7c6d8, #46566a); }
body { background: var(--paper); }
.report { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
.report h1 { font-size: 1.6rem; } .report h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; } .report h3 { font-size: 1rem; margin: 0 0 .5rem; }
.report section { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: .75rem 0; }
.report .verdict { font-size: 1.25rem; font-weight: 600; padding: .6rem 1rem; border-left: .5rem solid; background: var(--panel); }
.report .good { border-color: var(--held); } .report .bad { border-color: var(--wrong); }
.report .tiles { display: flex; flex-wrap: wrap; gap: .4rem; align-items: baseline; margin-bottom: .75rem; }
.report .tile { border: 1px solid var(--line); border-radius: .35rem; padding: .1rem .5rem; background: var(--paper); color: var(--soft); font-size: .875rem; }
.report .tile b { color: var(--ink); font-variant-numeric: tabular-nums; } .report .gap { color: var(--soft); font-size: .875rem; margin-left: .75rem; }
.report table { border-collapse: collapse; width: 100%; font-size: .875rem; }
.report th, .report td { text-align: start; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.report .facts tr:last-child > * { border-bottom: 0; } .report .facts th { width: 10rem; font-weight: 500; color: var(--soft); }
.report td:first-child code { white-space: nowrap; } .report pre { white-space: pre-wrap; font-size: .8rem; }
.report code { font: .85em ui-monospace, monospace; }
.report svg { display: block; width: 100%; height: auto; } .report svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.report .axis { stroke: var(--line); } .report .wait { stroke: var(--wait); stroke-width: 5; stroke-linecap: round; } .report .open { stroke-dasharray: 2 8; }
.report .sent { fill: var(--sent); } .report .received { fill: var(--paper); stroke: var(--held); stroke-width: 2; } .report .held { fill: var(--held); }
.report .refused { fill: var(--wrong); stroke: none; } .report .voided { fill: var(--soft); }
.report .legend { color: var(--soft); font-size: .8rem; margin: .4rem 0 0; } .report .worst { fill: none; stroke: var(--wrong); stroke-width: 1.5; }
@media print { .report section { break-inside: avoid; } }
`;

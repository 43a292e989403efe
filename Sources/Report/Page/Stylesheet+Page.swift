extension Stylesheet {
    /// The style of a page: one column on a phone, figures beside each other where there is room, light paper in print.
    static let page = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1b1f23;--quiet:#565e67;--rule:#d8dce0;--stripe:#1b1f230b;--link:#0060a0;--shade:#1b1f2338}
        @media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e8eaed;--quiet:#a7afb8;--rule:#3a4148;--stripe:#e8eaed0d;--link:#7cc4f2;--shade:#000c}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0 auto;padding:1.25rem 1rem 3rem;max-width:76rem;background:var(--paper);color:var(--ink);font:16px/1.5 \(fonts);overflow-wrap:anywhere}
        h1{font-size:1.6rem;line-height:1.2;margin:0 0 .5rem}
        h2{font-size:1.25rem;line-height:1.25;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--rule)}
        h3{font-size:1rem;margin:1.5rem 0 .5rem}
        p,ul{max-width:46rem;margin:.5rem 0}
        ul{padding-left:1.25rem}
        a{color:var(--link)}
        .lead{font-size:1.05rem}
        .note,.caption,figcaption{color:var(--quiet);font-size:.875rem;line-height:1.45}
        nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;margin:1rem 0 0}
        nav a{display:inline-block;padding:.25rem 0}
        .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1.5rem 2rem;align-items:start;margin:1rem 0}
        figure{margin:0;min-width:0;max-width:30rem}
        figure.wide{grid-column:1/-1;max-width:none}
        figure svg{display:block;width:100%;height:auto}
        figure.wide svg{width:var(--natural);max-width:none}
        figcaption{margin-top:.25rem}
        .scroll{overflow-x:auto;max-width:100%;margin:1rem 0;background:
        linear-gradient(90deg,var(--paper) 40%,transparent) 0 0/2.5rem 100% local no-repeat,
        linear-gradient(270deg,var(--paper) 40%,transparent) 100% 0/2.5rem 100% local no-repeat,
        linear-gradient(90deg,var(--shade),transparent) 0 0/.9rem 100% scroll no-repeat,
        linear-gradient(270deg,var(--shade),transparent) 100% 0/.9rem 100% scroll no-repeat}
        figure .scroll{margin:0}
        .scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
        table{border-collapse:collapse;font-size:.875rem;line-height:1.35;font-variant-numeric:tabular-nums lining-nums}
        .caption{margin:1.25rem 0 0}.caption+.scroll{margin-top:.5rem}
        th,td{padding:.4rem .75rem;text-align:left;vertical-align:top;overflow-wrap:normal}
        td,thead th{white-space:nowrap}
        thead th{border-bottom:2px solid var(--rule);font-weight:600;vertical-align:bottom}
        tbody tr{border-bottom:1px solid var(--rule)}
        tbody th{font-weight:500;position:sticky;left:0;background:var(--paper);min-width:7rem;max-width:16rem;overflow-wrap:anywhere}
        tbody tr:nth-child(even){background:var(--stripe)}tbody tr:nth-child(even) th{background:linear-gradient(var(--stripe),var(--stripe)),var(--paper)}
        .number{text-align:right}
        summary{cursor:pointer;padding:.25rem 0;color:var(--link)}
        @media (max-width:30rem){tbody th{max-width:9rem}th,td{padding:.4rem .5rem}}
        @media print{
        @page{margin:16mm 14mm}
        :root{color-scheme:light}
        body{max-width:none;padding:0;font-size:10pt}
        nav{display:none}
        h1{font-size:18pt}h2{font-size:13pt;margin-top:1.5rem}
        h2,h3,.caption{break-after:avoid}
        figure,tr{break-inside:avoid}
        .figures{grid-template-columns:repeat(2,1fr);gap:1rem}
        .scroll{overflow:visible;background:none}
        table{font-size:7.5pt}th,td{padding:.25rem .35rem}td:not(.number),thead th{white-space:normal}tbody th{position:static}
        figure.wide svg{width:100%;max-width:var(--natural)}
        details::details-content{content-visibility:visible;display:block;block-size:auto}
        a{color:inherit;text-decoration:none}
        }
        """
}

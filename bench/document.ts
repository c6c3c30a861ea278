/** Replaces the text between `<!-- table: name -->` and `<!-- end -->` in a Markdown document. */
export const putTables = (document: string, tables: Readonly<Record<string, string>>): string =>
  document.replace(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_, start: string, name: string, end: string) => `${start}\n\n${tables[name] ?? ''}\n\n${end}`,
  );

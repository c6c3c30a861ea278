/** Puts tables where a document in Markdown has a place for them: between `<!-- table: name -->` and `<!-- end -->`. */
export const putTables = (document: string, tables: Readonly<Record<string, string>>): string =>
  document.replace(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_, start: string, name: string, end: string) => `${start}\n\n${tables[name] ?? ''}\n\n${end}`,
  );

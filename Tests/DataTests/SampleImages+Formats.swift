extension SampleImage {
    /// TIFF, WebP, BMP and lossless JPEG; of 16-bit grey the high bytes, as in 16-bit PNG.
    static let others = [
        SampleImage(
            "TIFF RGB LZW", 5, 4,
            file: """
                SUkqAE4AAACAKtnAVnHhBqEkvoGkcxJI0CEFgAGCZ/jBTsAeEg3kN8i1ysxsB0yKA/KpWqkHvVHOcilxwi8IF9Wh9vFcdItyuJvk \
                4CQECgAAAQMAAQAAAAUAAAABAQMAAQAAAAQAAAACAQMAAwAAAMwAAAADAQMAAQAAAAUAAAAGAQMAAQAAAAIAAAARAQQAAQAAAAgA \
                AAAVAQMAAQAAAAMAAAAWAQMAAQAAAAQAAAAXAQQAAQAAAEYAAAAcAQMAAQAAAAEAAAAAAAAACAAIAAgA
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "TIFF grey JPEG", 5, 4,
            file: """
                SUkqAEIAAAD/2P/AAAsIAAQABQEBEQD/2gAIAQEAAD8AyNH02Hx2bs6yWMllMyxyxhd5ViflZmDEqCuQOxZvWv/ZCgAAAQMAAQAA \
                AAUAAAABAQMAAQAAAAQAAAACAQMAAQAAAAgAAAADAQMAAQAAAAcAAAAGAQMAAQAAAAEAAAARAQQAAQAAAAgAAAAWAQMAAQAAAAQA \
                AAAXAQQAAQAAADoAAAAcAQMAAQAAAAEAAABbAQcAIQEAAMAAAAAAAAAA/9j/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8U \
                HRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/xAAfAAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgv/xAC1 \
                EAACAQMDAgQDBQUEBAAAAX0BAgMABBEFEiExQQYTUWEHInEUMoGRoQgjQrHBFVLR8CQzYnKCCQoWFxgZGiUmJygpKjQ1Njc4OTpD \
                REVGR0hJSlNUVVZXWFlaY2RlZmdoaWpzdHV2d3h5eoOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK \
                0tPU1dbX2Nna4eLj5OXm5+jp6vHy8/T19vf4+fr/2Q==
                """,
            pixels: """
                zMzMqampx8fHAQEBBQUFeXl5WVlZfX199PT0MTExiIiIWlpaPT09w8PDNTU1SEhIHh4eKioqPj4+sLCw
                """),
        SampleImage(
            "TIFF 1 bit, group 4", 5, 4,
            file: """
                SUkqABIAAAAmtBqCBcXABABACQAAAQMAAQAAAAUAAAABAQMAAQAAAAQAAAACAQMAAQAAAAEAAAADAQMAAQAAAAQAAAAGAQMAAQAA \
                AAEAAAARAQQAAQAAAAgAAAAWAQMAAQAAAAQAAAAXAQQAAQAAAAoAAAAcAQMAAQAAAAEAAAAAAAAA
                """,
            pixels: """
                ////////////AAAAAAAAAAAAAAAAAAAA////AAAA////AAAAAAAA////AAAAAAAAAAAAAAAAAAAA////
                """),
        SampleImage(
            "TIFF palette", 5, 4,
            file: """
                SUkqAAgAAAAKAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAACAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAwAAABEBBAAB \
                AAAAhgYAABYBBAABAAAABAAAABcBBAABAAAAFAAAABwBAwABAAAAAQAAAEABAwAAAwAAhgAAAAAAAAAAqgAbAJ8AVADqAOAAUwAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADTAPoAlwCOAEMAPwA+AAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFAAXwCOADEAfgAKAGIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAgIGAwYBAAMEAAICAQQFAwUCBQ==
                """,
            pixels: """
                qtNQn5eOn5eOUz5iVI4xUz5iG/pfqtNQVI4x6kN+qtNQn5eOn5eOG/pf6kN+4D8KVI4x4D8Kn5eO4D8K
                """),
        SampleImage(
            "TIFF CMYK", 5, 4,
            file: """
                SUkqAAgAAAAKAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwAEAAAAhgAAAAMBAwABAAAAAQAAAAYBAwABAAAABQAAABEBBAAB \
                AAAAjgAAABUBAwABAAAABAAAABYBBAABAAAABAAAABcBBAABAAAAUAAAABwBAwABAAAAAQAAAAAAAAAIAAgACAAIAFQx+gAxh3wA \
                XrYFAPK4nQBtl94A9P/zANkAzwBYP8MAt5C8AAbSGgAzJ+IAm1+BAFVSVgDwCnEAGLqjAB7Q7wCgUuAAIajFAHQaHQAgsfsA
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "TIFF RGBA", 5, 4,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwAEAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmgAAABUBAwABAAAABAAAABYBBAABAAAABAAAABcBBAABAAAAUAAAABwBAwABAAAAAQAAAFIBAwABAAAAAgAAAAAAAAAIAAgA \
                CAAIAKvOBcfOeIO1oUn6xQ1HYgCSaCEJCwAMgCb/MFWnwDxvSG9D7vkt5TTM2B2HZKB+U6qtqUsP9Y7O50VcJ+EvEFFfrR8e3lc6 \
                Jovl4kffTgSy
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "TIFF tiles", 20, 20,
            file: """
                SUkqAAgAAAAOAAABBAABAAAAFAAAAAEBBAABAAAAFAAAAAIBAwADAAAAtgAAAAMBAwABAAAACAAAAAYBAwABAAAAAgAAABUBAwAB \
                AAAAAwAAABoBBQABAAAAvAAAABsBBQABAAAAxAAAABwBAwABAAAAAQAAACgBAwABAAAAAQAAAEIBBAABAAAAEAAAAEMBBAABAAAA \
                EAAAAEQBBAAEAAAAzAAAAEUBAwAEAAAA3AAAAAAAAAAIAAgACAABAAAAAQAAAAEAAAABAAAA8AAAAEgBAACWAQAA7AEAAFgATgBW \
                AEgAAAAAAAAAAAAAAAAAeJxbfY71XEXzQs9fvO5JkzIUVxPicjPwqP03WH7AxiPf+afuU4LcMzdkUxbUrVq7kv9r33PXGILch/oC \
                8Wvl74VbdT99dN+PhSB39aj7R91PgfsBOaxp4HicO1fRvNDzF6970qQMRQYigNp/g+UHbDzynX/qPiVGfcqCulVrV/J/7XvuGkOM \
                +vi18vfCrbqfPrrvx0KM+nOj7scLRt2PHwAAYtFg0XicW32O9VxF80LPX7zuSZMyFFcT4nIz8Kj9N1h+wMYj3/mn7lOC3DM3ZFMW \
                1K1au5L/a99z1xiC3If6AvFr5e+FW3U/fXTfj4Ugl2EUjAIKAADZFlp1eJw7V9G80PMXr3vSpAxFBiKA2n+D5QdsPPKdf+o+JUZ9 \
                yoK6VWtX8n/te+4aQ4z6+LXy98Ktup8+uu/HwjAKRgGNAQAXDRg1
                """,
            pixels: """
                q84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3l \
                CwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50Vc \
                zNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E \
                4S8QX60f3lc6i+Xi304Eq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmgh \
                CwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc \
                zNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E \
                4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304Eq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmgh \
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3l \
                zNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E \
                4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304Eq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmgh \
                q84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3l \
                CwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50Vc \
                4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304Eq84FzniDoUn6DUdikmgh \
                q84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghq84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3l \
                CwAMJv8wp8A8SG9D+S3lCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50VczNgdZKB+qq2pD/WO50Vc \
                zNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "TIFF planes", 5, 4,
            file: """
                SUkqAAgAAAANAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAqgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAD \
                AAAAsAAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBAwADAAAAvAAAABoBBQABAAAAwgAAABsBBQABAAAAygAAABwBAwABAAAA \
                AgAAACgBAwABAAAAAQAAAAAAAAAIAAgACADgAAAA9AAAAAgBAAAUABQAFAABAAAAAQAAAAEAAAABAAAAAAAAAAAAAAAAAAAAAACr \
                zqENkgsmp0j5zGSqD+fhX96L3854SUdoAP/Aby3YoK31RS+tV+VOBYP6YiEMMDxD5R1+qY5cEB864gQ=
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "TIFF white at 0", 5, 4,
            file: """
                SUkqAAgAAAAMAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAACAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAAAAABEBBAAB \
                AAAAsAAAABUBAwABAAAAAQAAABYBBAABAAAABAAAABcBBAABAAAAFAAAABoBBQABAAAAngAAABsBBQABAAAApgAAACgBAwABAAAA \
                AQAAAAAAAAABAAAAAQAAAAEAAAABAAAAAADHtcUACYBVb+40h1NLzidRHiZHsg==
                """,
            pixels: """
                ODg4SkpKOjo6////9vb2f39/qqqqkJCQERERy8vLeHh4rKystLS0MTEx2NjYrq6u4eHh2dnZuLi4TU1N
                """),
        SampleImage(
            "TIFF RGB 16-bit, big endian", 5, 4,
            file: """
                TU0AKgAAAAgADQEAAAQAAAABAAAABQEBAAQAAAABAAAABAECAAMAAAADAAAAqgEDAAMAAAABAAEAAAEGAAMAAAABAAIAAAERAAQA \
                AAABAAAAwAEVAAMAAAABAAMAAAEWAAQAAAABAAAABAEXAAQAAAABAAAAeAEaAAUAAAABAAAAsAEbAAUAAAABAAAAuAEcAAMAAAAB \
                AAEAAAEoAAMAAAABAAEAAAAAAAAAEAAQABAAAAABAAAAAQAAAAEAAAAB3wsV+NfR2E10Cl4t+vrzdq1eZkA10O+6RM+OYKy1PXlQ \
                rr3NMomspPHQryilbHa998c4zVsYpBSnnhtqKYqxNdc4oqju+WBjVGjMbAqEMasxYWP1KCrMRdi3YWYHgraYG5WczSvL8OWtc/3e \
                ne+5QmBAzxAc6ici
                """,
            pixels: """
                3xXX2HRe+vOtZjXvRI6sPVC9Mqzxr6V29zhbpKcbKbHXou5gVMwKMTFjKMzYYQe2G5wr8K39nblgzxwn
                """),
        SampleImage(
            "TIFF grey 16-bit", 5, 4,
            file: """
                SUkqAAgAAAAMAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAAEAAAAAMBAwABAAAACAAAAAYBAwABAAAAAQAAABEBBAAB \
                AAAAsAAAABUBAwABAAAAAQAAABYBBAABAAAABAAAABcBBAABAAAAMgAAABoBBQABAAAAngAAABsBBQABAAAApgAAACgBAwABAAAA \
                AQAAAAAAAAABAAAAAQAAAAEAAAABAAAAAAB4nIudcrkoXbv9zL4zXjYe/HcDE1SPnGFsPd+Y5LWocfX3cpv5R3YwhwY8fwcAk1gU \
                WA==
                """,
            pixels: """
                lJSUcnJyKysrzMzMzMzMPDw8Dw8PUVFRJSUlzMzMhYWFgYGBSkpKgYGB9/f3PDw8xMTEAwMDUFBQ7u7u
                """),
        SampleImage(
            "TIFF grey 16-bit, white at 0", 5, 4,
            file: """
                SUkqAAgAAAAMAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAAEAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAAAAABEBBAAB \
                AAAAsAAAABUBAwABAAAAAQAAABYBBAABAAAABAAAABcBBAABAAAAKAAAABoBBQABAAAAngAAABsBBQABAAAApgAAACgBAwABAAAA \
                AQAAAAAAAAABAAAAAQAAAAEAAAABAAAAAABdlNNyZyuHzL7MSjxID91RYCXEzAGFz4FiSqKBq/d3PJ/EuANVUOfu
                """,
            pixels: """
                a2trjY2N1NTUMzMzMzMzw8PD8PDwrq6u2traMzMzenp6fn5+tbW1fn5+CAgIw8PDOzs7/Pz8r6+vERER
                """),
        SampleImage(
            "TIFF grey 16-bit, signed", 5, 4,
            file: """
                SUkqAAgAAAANAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwABAAAAEAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAAB \
                AAAAwAAAABUBAwABAAAAAQAAABYBBAABAAAABAAAABcBBAABAAAAKAAAABoBBQABAAAAqgAAABsBBQABAAAAsgAAACgBAwABAAAA \
                AQAAAFMBAwABAAAAAgAAAAAAAAABAAAAAQAAAAEAAAABAAAAAAAAAAAAXRTT8merh0y+TEq8SI/d0WClxEwBBc8BYsqiAat3d7yf \
                RLiDVdDnbg==
                """,
            pixels: """
                lJSUcnJyKysrzMzMzMzMPDw8Dw8PUVFRJSUlzMzMhYWFgYGBSkpKgYGB9/f3PDw8xMTEAwMDUFBQ7u7u
                """),
        SampleImage(
            "TIFF multiplied alpha", 5, 4,
            file: """
                SUkqAAgAAAAOAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwAEAAAAtgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAA0AAAABUBAwABAAAABAAAABYBBAABAAAABAAAABcBBAABAAAAUAAAABoBBQABAAAAvgAAABsBBQABAAAAxgAAABwBAwABAAAA \
                AQAAACgBAwABAAAAAQAAAFIBAwABAAAAAQAAAAAAAAAIAAgACAAIAAEAAAABAAAAAQAAAAEAAAAAAFVnAoBnPEGAUCR9gAYjMYBJ \
                NBCABQAGgBN/GIBTYB6AJDchgHwWcoBmbA6AMlA/gFVWVIAHekeAcyIugHAXCIAvVg+AbysdgEVycYBvJwKA
                """,
            pixels: """
                qc0DzXeBn0f5C0VhkWcfCQALJf0vpb87R21B9yvjy9cbY599qaunDfON5UNb3y0PXasd3VU5iePh3U0D
                """),
        SampleImage(
            "TIFF orientation 2", 5, 4,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAAAgAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                kmghDUdioUn6zniDq84F+S3lSG9Dp8A8Jv8wCwAM50VcD/WOqq2pZKB+zNgd304Ei+Xi3lc6X60f4S8Q
                """),
        SampleImage(
            "TIFF orientation 3", 5, 4,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAAAwAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                304Ei+Xi3lc6X60f4S8Q50VcD/WOqq2pZKB+zNgd+S3lSG9Dp8A8Jv8wCwAMkmghDUdioUn6zniDq84F
                """),
        SampleImage(
            "TIFF orientation 4", 5, 4,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAABAAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                4S8QX60f3lc6i+Xi304EzNgdZKB+qq2pD/WO50VcCwAMJv8wp8A8SG9D+S3lq84FzniDoUn6DUdikmgh
                """),
        SampleImage(
            "TIFF orientation 5", 4, 5,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAABQAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                q84FCwAMzNgd4S8QzniDJv8wZKB+X60foUn6p8A8qq2p3lc6DUdiSG9DD/WOi+Xikmgh+S3l50Vc304E
                """),
        SampleImage(
            "TIFF orientation 6", 4, 5,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAABgAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                4S8QzNgdCwAMq84FX60fZKB+Jv8wzniD3lc6qq2pp8A8oUn6i+XiD/WOSG9DDUdi304E50Vc+S3lkmgh
                """),
        SampleImage(
            "TIFF orientation 7", 4, 5,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAABwAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                304E50Vc+S3lkmghi+XiD/WOSG9DDUdi3lc6qq2pp8A8oUn6X60fZKB+Jv8wzniD4S8QzNgdCwAMq84F
                """),
        SampleImage(
            "TIFF orientation 8", 4, 5,
            file: """
                SUkqAAgAAAALAAABBAABAAAABQAAAAEBBAABAAAABAAAAAIBAwADAAAAkgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAAB \
                AAAAmAAAABIBAwABAAAACAAAABUBAwABAAAAAwAAABYBBAABAAAABAAAABcBBAABAAAAPAAAABwBAwABAAAAAQAAAAAAAAAIAAgA \
                CACrzgXOeIOhSfoNR2KSaCELAAwm/zCnwDxIb0P5LeXM2B1koH6qrakP9Y7nRVzhLxBfrR/eVzqL5eLfTgQ=
                """,
            pixels: """
                kmgh+S3l50Vc304EDUdiSG9DD/WOi+XioUn6p8A8qq2p3lc6zniDJv8wZKB+X60fq84FCwAMzNgd4S8Q
                """),
        SampleImage(
            "WebP", 5, 4,
            file: """
                UklGRm4AAABXRUJQVlA4IGIAAACwAgCdASoFAAQAAUAmJbACdLoB+ACWAP0ABSpsVgAA4gV++t7PkSJqNjj9f+n3xUu28H94//an \
                muvax0lXwv+DjcZzF81XPVH/8dv/p53F1yISbetRGsF703/Yypcr/iQAAA==
                """,
            pixels: """
                mMFhgaBda3pwSTBKqUt2BB8AmbNrn7KcY09avmJ6zcxjjZZBnLiKqaSPu1pUfW4EhYYrbo5T0dCrtlY9
                """),
        SampleImage(
            "WebP without loss, alpha", 5, 4,
            file: """
                UklGRq4AAABXRUJQVlA4TKEAAAAvBMAAEJfApra2Nhy2qoEJBd1gt4QaNqaeZI0NNZFsNfUPgAAqNOA+KYEyYyGyiW2r0QwtCKDL \
                mR4rdEladrTJxwpgE9lWq4EKE4jLCnKHAkosYCL21EnCDyYCEAq/luub2buVJBwB8/cT9KMawIHsJuqs03UXYrvPasHf1Fc8QogN \
                Hj2RR5RzS2wZCts2UkPH+PwR/Y8V8w/A83hXkkvbVQA=
                """,
            pixels: """
                q84FzniDoUn6AAAAkmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "BMP 24 bits", 5, 4,
            file: """
                Qk12AAAAAAAAADYAAAAoAAAABQAAAAQAAAABABgAAAAAAEAAAADEDgAAxA4AAAAAAAAAAAAAEC/hH61fOlfe4uWLBE7fAB3YzH6g \
                ZKmtqo71D1xF5wAMAAsw/yY8wKdDb0jlLfkABc6rg3jO+kmhYkcNIWiSAA==
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "BMP grey", 5, 4,
            file: """
                Qk1WBAAAAAAAADYEAAAoAAAABQAAAAQAAAABAAgAAAAAACAAAADEDgAAxA4AAAABAAAAAQAAAAAAAAEBAQACAgIAAwMDAAQEBAAF \
                BQUABgYGAAcHBwAICAgACQkJAAoKCgALCwsADAwMAA0NDQAODg4ADw8PABAQEAAREREAEhISABMTEwAUFBQAFRUVABYWFgAXFxcA \
                GBgYABkZGQAaGhoAGxsbABwcHAAdHR0AHh4eAB8fHwAgICAAISEhACIiIgAjIyMAJCQkACUlJQAmJiYAJycnACgoKAApKSkAKioq \
                ACsrKwAsLCwALS0tAC4uLgAvLy8AMDAwADExMQAyMjIAMzMzADQ0NAA1NTUANjY2ADc3NwA4ODgAOTk5ADo6OgA7OzsAPDw8AD09 \
                PQA+Pj4APz8/AEBAQABBQUEAQkJCAENDQwBEREQARUVFAEZGRgBHR0cASEhIAElJSQBKSkoAS0tLAExMTABNTU0ATk5OAE9PTwBQ \
                UFAAUVFRAFJSUgBTU1MAVFRUAFVVVQBWVlYAV1dXAFhYWABZWVkAWlpaAFtbWwBcXFwAXV1dAF5eXgBfX18AYGBgAGFhYQBiYmIA \
                Y2NjAGRkZABlZWUAZmZmAGdnZwBoaGgAaWlpAGpqagBra2sAbGxsAG1tbQBubm4Ab29vAHBwcABxcXEAcnJyAHNzcwB0dHQAdXV1 \
                AHZ2dgB3d3cAeHh4AHl5eQB6enoAe3t7AHx8fAB9fX0Afn5+AH9/fwCAgIAAgYGBAIKCggCDg4MAhISEAIWFhQCGhoYAh4eHAIiI \
                iACJiYkAioqKAIuLiwCMjIwAjY2NAI6OjgCPj48AkJCQAJGRkQCSkpIAk5OTAJSUlACVlZUAlpaWAJeXlwCYmJgAmZmZAJqamgCb \
                m5sAnJycAJ2dnQCenp4An5+fAKCgoAChoaEAoqKiAKOjowCkpKQApaWlAKampgCnp6cAqKioAKmpqQCqqqoAq6urAKysrACtra0A \
                rq6uAK+vrwCwsLAAsbGxALKysgCzs7MAtLS0ALW1tQC2trYAt7e3ALi4uAC5ubkAurq6ALu7uwC8vLwAvb29AL6+vgC/v78AwMDA \
                AMHBwQDCwsIAw8PDAMTExADFxcUAxsbGAMfHxwDIyMgAycnJAMrKygDLy8sAzMzMAM3NzQDOzs4Az8/PANDQ0ADR0dEA0tLSANPT \
                0wDU1NQA1dXVANbW1gDX19cA2NjYANnZ2QDa2toA29vbANzc3ADd3d0A3t7eAN/f3wDg4OAA4eHhAOLi4gDj4+MA5OTkAOXl5QDm \
                5uYA5+fnAOjo6ADp6ekA6urqAOvr6wDs7OwA7e3tAO7u7gDv7+8A8PDwAPHx8QDy8vIA8/PzAPT09AD19fUA9vb2APf39wD4+PgA \
                +fn5APr6+gD7+/sA/Pz8AP39/QD+/v4A////AFEeJkeyAAAAh1NLzicAAACAVW/uNAAAAMe1xQAJAAAA
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "BMP 1 bit", 5, 4,
            file: """
                Qk1OAAAAAAAAAD4AAAAoAAAABQAAAAQAAAABAAEAAAAAABAAAADEDgAAxA4AAAIAAAACAAAAAAAAAP///wAIAAAAkAAAABAAAADg \
                AAAA
                """,
            pixels: """
                ////////////AAAAAAAAAAAAAAAAAAAA////AAAA////AAAAAAAA////AAAAAAAAAAAAAAAAAAAA////
                """),
        SampleImage(
            "BMP 32 bits", 5, 4,
            file: """
                Qk2GAAAAAAAAADYAAAAoAAAABQAAAAQAAAABACAAAAAAAFAAAADEDgAAxA4AAAAAAAAAAAAAEC/hUR+tXx46V94m4uWLRwRO37Id \
                2MyHfqBkU6mtqkuO9Q/OXEXnJwwAC4Aw/yZVPMCnb0NvSO7lLfk0Bc6rx4N4zrX6SaHFYkcNACFokgk=
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "BMP from top to bottom", 5, 4,
            file: """
                Qk12AAAAAAAAADYAAAAoAAAABQAAAPz///8BABgAAAAAAEAAAADEDgAAxA4AAAAAAAAAAAAAEC/hH61fOlfe4uWLBE7fAB3YzH6g \
                ZKmtqo71D1xF5wAMAAsw/yY8wKdDb0jlLfkABc6rg3jO+kmhYkcNIWiSAA==
                """,
            pixels: """
                4S8QX60f3lc6i+Xi304EzNgdZKB+qq2pD/WO50VcCwAMJv8wp8A8SG9D+S3lq84FzniDoUn6DUdikmgh
                """),
        SampleImage(
            "BMP 4 bits", 5, 4,
            file: """
                Qk2GAAAAAAAAAHYAAAAoAAAABQAAAAQAAAABAAQAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAMFBwAGCg4ACQ8VAAwUHAAP \
                GSMAEh4qABUjMQAYKDgAGy0/AB4yRgAhN00AJDxUACdBWwAqRmIALUtpAFEksACFTCAAhW4wAMvAAAA=
                """,
            pixels: """
                VDwkTTchVDwkAAAAAAAAOCgYIxkPKh4SYkYqFQ8JOCgYIxkPHBQMVDwkDgoGIxkPBwUDDgoGHBQMTTch
                """),
        SampleImage(
            "JPEG lossless grey", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGQAAAgMBAAAAAAAAAAAAAAAABgcEBQgD/9oACAEBAAEAAGPW2GOp \
                K4FLp/5F7hcfQeWAkMkELr//2Q==
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless RGB", 5, 4,
            file: """
                /9j/7gAOQWRvYmUAZAAAAAAA/8MAEQgABAAFA1IRAEcRAEIRAP/EABoAAAMBAQEBAAAAAAAAAAAAAAYHCAUEAwL/2gAMA1IARwBC \
                AAEAACtnIQjVL+EhB7zX8zPQpCvpfjH327/JKBAOxQK73rFe1FYNsaKXB3Cxu0rmRkYlsSeG6srcU+v7vf6p21ZR1UNSaIh//9k=
                """,
            pixels: """
                q84FzniDoUn6DUdikmghCwAMJv8wp8A8SG9D+S3lzNgdZKB+qq2pD/WO50Vc4S8QX60f3lc6i+Xi304E
                """),
        SampleImage(
            "JPEG lossless, predictor 4", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGwAAAQUBAQAAAAAAAAAAAAAABQMEBgcICQH/2gAIAQEABAAAscaQ \
                x05rgM66iY8XbR1QnCfSFO9Ev//Z
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless, predictor 2", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGgAAAgMBAQAAAAAAAAAAAAAABgcEBQgCA//aAAgBAQACAABj1thj \
                qSuE+qd3FfvyNj8IJChrPGi//9k=
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless, predictor 3", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGQAAAgMBAAAAAAAAAAAAAAAABgcDBAUI/9oACAEBAAMAAGPm6HHV \
                lcI1clJpOJVW/wAcBKWEo8P/2Q==
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless, predictor 5", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGQAAAwEBAQAAAAAAAAAAAAAABQcIBgQD/9oACAEBAAUAAGONIR10 \
                rjOkrikH3AimItcSG7M/X/8A/9k=
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless, predictor 6", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGwAAAgIDAQAAAAAAAAAAAAAABgcEBQIDCAn/2gAIAQEABgAAY9bY \
                cdSVwBjPoys9+ocg5hNLFRfZ/wD/2Q==
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless, predictor 7", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAEAAUBAREA/8QAGQAAAwEBAQAAAAAAAAAAAAAABQYHBAgD/9oACAEBAAcAAKONIcda \
                ZxOgPW849wglykqSl4Uy9//Z
                """,
            pixels: """
                x8fHtbW1xcXFAAAACQkJgICAVVVVb29v7u7uNDQ0h4eHU1NTS0tLzs7OJycnUVFRHh4eJiYmR0dHsrKy
                """),
        SampleImage(
            "JPEG lossless grey 16-bit", 5, 4,
            file: """
                /9j/4AAQSkZJRgABAQAAAQABAAD/wwALEAAEAAUBAREA/8QAGAABAQADAAAAAAAAAAAAAAAADw4GCg3/2gAIAQEAAQAA6i7POpxJ \
                kI/m5P2SX6hSsnBE7GkW+mbESVugOwSbuoQT34ymTo9I/wD/2Q==
                """,
            pixels: """
                lJSUcnJyKysrzMzMzMzMPDw8Dw8PUVFRJSUlzMzMhYWFgYGBSkpKgYGB9/f3PDw8xMTEAwMDUFBQ7u7u
                """),
        SampleImage(
            "PNG with a larger window than it announces", 150, 6,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAJYAAAAGCAAAAAAEDDh9AAABTUlEQVQI12OI2VZz42NaTu/SqllfdwfmpKkxnMqOWjjh/dw3U4KD \
                /k4zuHKJSWNjeriQwe2rVyYpB7X9c+qpbejdIv377hH3giJ/vn0Mhw2XhNu8rXxsUB1Rwrwq4rZZGPfpjrRXM77tmdpgvOHUpkzG \
                PVxn1fzMukyceH6bG85UeXQiMi12T5bnOuWTuR+cEu5v4QpnuZRlvfOeVGPszncd+wOm1DHs5rHh/tVeW8Vx9Qbr/L7E2ocza3dt \
                bLsyYV7t9LnP7GN7w9ZcNuD727T/0BcO79+FqU6s3D9ZlO097gRrpmwospcTqDWcujaxga9Hr0TGLauW/U22sdHuAodiQ82gb+Ld \
                78ti+3Q3MUzgZzXbkZU9S/B3zeODdr5zrr+ukfp3a1uq0gmToLsLfBrnSLkdWnBpT7VPsvEn9njBh8uzGUZDazS0aBRaAHHlsiMl \
                OhZnAAAAAElFTkSuQmCC
                """,
            pixels: """
                XFxctra2fHx82NjY8fHxZmZmbGxsjY2NpaWlenp6mpqa9fX1u7u7UVFRbGxsZmZmJiYmAAAAysrKa2trWlpaoaGhkJCQ7+/vnZ2d \
                7OzslJSUU1NTUlJS/f39lpaWMDAw1NTU0tLSAgICKCgosbGxZ2dnV1dXEhISMDAw29vb1dXV1NTUkpKSIyMjUlJShoaG/v7+QkJC \
                jIyMfX19gICAjY2NtLS0Gxsb+/v73d3dxMTER0dHcHBwcnJyT09PDg4Ovr6+AAAAw8PDMTExpKSkV1dXPDw87e3teXl54+PjMDAw \
                e3t7WFhYdHR0AwMDqqqqWFhY29vbNjY2VlZWCwsLy8vLiIiIZmZm6urqmJiY9vb2vLy8lZWVgICAMzMzsLCwysrKsrKyaWlpAQEB \
                vLy8CgoKzc3NJiYmTk5ONjY2ioqKNDQ0QkJCDAwM+/v7Nzc3MTExmZmZJCQk4uLiyMjIWVlZZmZmXV1dvLy8ampqSUlJrq6uIyMj \
                ycnJbW1t8PDwQkJCYGBg39/ftLS0CgoKV1dXBAQE0tLSampqOzs7ubm53t7eGhoagYGBXV1dubm57u7uiIiIv7+/UFBQlJSUfn5+ \
                u7u7DAwMPDw8CwsL+vr6h4eHfX19enp6CAgI1dXV2NjYBQUFn5+fjo6OYWFhfX194eHhmZmZfX19urq6sbGxhoaG1NTUkJCQnp6e \
                fX19l5eXnZ2d5ubmPz8/XV1djY2NVlZWrKys09PTMDAwDg4O/f39goKCv7+/wsLC9PT0CAgIS0tL+/v7cXFxZWVlQkJCBQUFCwsL \
                +fn5BAQEIyMjPz8/SEhI3NzcU1NTKSkpZGRksLCwcnJyPz8/Hh4eEBAQfX19MTExlZWVra2tYWFhgICADg4OjIyMLi4udHR0HBwc \
                RkZGampqfX19BwcH7Ozsa2trMzMzMjIyu7u7cHBwQEBAc3NzMTExKSkpUlJS9vb2FxcXi4uL7+/vdnZ2XV1djo6OLS0tsrKyAAAA \
                kJCQDw8PBQUFNjY2uLi4ampqa2trmpqaERER+/v7fHx84+PjwcHBPj4+TU1NnJyc19fX6+vrfHx8Ghoa/v7+2tratra2ZWVlIiIi \
                yMjINDQ0UlJS3d3doKCgTExMgYGBnJycGhoaRkZGwsLCoKCg0tLSvLy8e3t7TExMY2NjMzMz8vLyBwcHX19fERER4eHhp6ena2tr \
                XFxctra2fHx82NjY8fHxZmZmbGxsjY2NpaWlenp6mpqa9fX1u7u7UVFRbGxsZmZmJiYmAAAAysrKa2trWlpaoaGhkJCQ7+/vnZ2d \
                7OzslJSUU1NTUlJS/f39lpaWMDAw1NTU0tLSAgICKCgosbGxZ2dnV1dXEhISMDAw29vb1dXV1NTUkpKSIyMjUlJShoaG/v7+QkJC \
                jIyMfX19gICAjY2NtLS0Gxsb+/v73d3dxMTER0dHcHBwcnJyT09PDg4Ovr6+AAAAw8PDMTExpKSkV1dXPDw87e3teXl54+PjMDAw \
                e3t7WFhYdHR0AwMDqqqqWFhY29vbNjY2VlZWCwsLy8vLiIiIZmZm6urqmJiY9vb2vLy8lZWVgICAMzMzsLCwysrKsrKyaWlpAQEB \
                vLy8CgoKzc3NJiYmTk5ONjY2ioqKNDQ0QkJCDAwM+/v7Nzc3MTExmZmZJCQk4uLiyMjIWVlZZmZmXV1dvLy8ampqSUlJrq6uIyMj \
                ycnJbW1t8PDwQkJCYGBg39/ftLS0CgoKV1dXBAQE0tLSampqOzs7ubm53t7eGhoagYGBXV1dubm57u7uiIiIv7+/UFBQlJSUfn5+ \
                u7u7DAwMPDw8CwsL+vr6h4eHfX19enp6CAgI1dXV2NjYBQUFn5+fjo6OYWFhfX194eHhmZmZfX19urq6sbGxhoaG1NTUkJCQnp6e \
                fX19l5eXnZ2d5ubmPz8/XV1djY2NVlZWrKys09PTMDAwDg4O/f39goKCv7+/wsLC9PT0CAgIS0tL+/v7cXFxZWVlQkJCBQUFCwsL \
                +fn5BAQEIyMjPz8/SEhI3NzcU1NTKSkpZGRksLCwcnJyPz8/Hh4eEBAQfX19MTExlZWVra2tYWFhgICADg4OjIyMLi4udHR0HBwc \
                RkZGampqfX19BwcH7Ozsa2trMzMzMjIyu7u7cHBwQEBAc3NzMTExKSkpUlJS9vb2FxcXi4uL7+/vdnZ2XV1djo6OLS0tsrKyAAAA \
                kJCQDw8PBQUFNjY2uLi4ampqa2trmpqaERER+/v7fHx84+PjwcHBPj4+TU1NnJyc19fX6+vrfHx8Ghoa/v7+2tratra2ZWVlIiIi \
                yMjINDQ0UlJS3d3doKCgTExMgYGBnJycGhoaRkZGwsLCoKCg0tLSvLy8e3t7TExMY2NjMzMz8vLyBwcHX19fERER4eHhp6ena2tr \
                XFxctra2fHx82NjY8fHxZmZmbGxsjY2NpaWlenp6mpqa9fX1u7u7UVFRbGxsZmZmJiYmAAAAysrKa2trWlpaoaGhkJCQ7+/vnZ2d \
                7OzslJSUU1NTUlJS/f39lpaWMDAw1NTU0tLSAgICKCgosbGxZ2dnV1dXEhISMDAw29vb1dXV1NTUkpKSIyMjUlJShoaG/v7+QkJC \
                jIyMfX19gICAjY2NtLS0Gxsb+/v73d3dxMTER0dHcHBwcnJyT09PDg4Ovr6+AAAAw8PDMTExpKSkV1dXPDw87e3teXl54+PjMDAw \
                e3t7WFhYdHR0AwMDqqqqWFhY29vbNjY2VlZWCwsLy8vLiIiIZmZm6urqmJiY9vb2vLy8lZWVgICAMzMzsLCwysrKsrKyaWlpAQEB \
                vLy8CgoKzc3NJiYmTk5ONjY2ioqKNDQ0QkJCDAwM+/v7Nzc3MTExmZmZJCQk4uLiyMjIWVlZZmZmXV1dvLy8ampqSUlJrq6uIyMj \
                ycnJbW1t8PDwQkJCYGBg39/ftLS0CgoKV1dXBAQE0tLSampqOzs7ubm53t7eGhoagYGBXV1dubm57u7uiIiIv7+/UFBQlJSUfn5+ \
                u7u7DAwMPDw8CwsL+vr6h4eHfX19enp6CAgI1dXV2NjYBQUFn5+fjo6OYWFhfX194eHhmZmZfX19urq6sbGxhoaG1NTUkJCQnp6e \
                fX19l5eXnZ2d5ubmPz8/XV1djY2NVlZWrKys09PTMDAwDg4O/f39goKCv7+/wsLC9PT0CAgIS0tL+/v7cXFxZWVlQkJCBQUFCwsL \
                +fn5BAQEIyMjPz8/SEhI3NzcU1NTKSkpZGRksLCwcnJyPz8/Hh4eEBAQfX19MTExlZWVra2tYWFhgICADg4OjIyMLi4udHR0HBwc \
                RkZGampqfX19BwcH7Ozsa2trMzMzMjIyu7u7cHBwQEBAc3NzMTExKSkpUlJS9vb2FxcXi4uL7+/vdnZ2XV1djo6OLS0tsrKyAAAA \
                kJCQDw8PBQUFNjY2uLi4ampqa2trmpqaERER+/v7fHx84+PjwcHBPj4+TU1NnJyc19fX6+vrfHx8Ghoa/v7+2tratra2ZWVlIiIi \
                yMjINDQ0UlJS3d3doKCgTExMgYGBnJycGhoaRkZGwsLCoKCg0tLSvLy8e3t7TExMY2NjMzMz8vLyBwcHX19fERER4eHhp6ena2tr
                """),
    ]
}
